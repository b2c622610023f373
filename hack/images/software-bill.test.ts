import { expect } from 'chai'
import { softwareBill } from './software-bill.ts'

describe('list of the packages of an image', () => {
  it('has name, version, licence and digest of what the image has, nested packages included', () => {
    const lock = {
      packages: {
        'node_modules/a': { version: '1.0.0', license: 'MIT', integrity: 'sha512-AQI=' },
        'node_modules/a/node_modules/@s/b': { version: '2.0.0' },
        'node_modules/absent': { version: '3.0.0' },
      },
    }
    const folders = ['node_modules/a', 'node_modules/a/node_modules/@s/b']
    const { components } = softwareBill(lock, folders, 'worker') as { components: object[] }
    expect(components).to.deep.equal([
      {
        type: 'library',
        'bom-ref': 'node_modules/a',
        name: 'a',
        version: '1.0.0',
        purl: 'pkg:npm/a@1.0.0',
        licenses: [{ expression: 'MIT' }],
        hashes: [{ alg: 'SHA-512', content: '0102' }],
      },
      {
        type: 'library',
        'bom-ref': 'node_modules/a/node_modules/@s/b',
        name: '@s/b',
        version: '2.0.0',
        purl: 'pkg:npm/%40s/b@2.0.0',
      },
    ])
  })
})
