import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { entriesOf, images, isCommandLine } from './images.ts'
import { importsOf, type LockFile, lockedFolders, trace } from './packages.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const lock = JSON.parse(readFileSync(`${root}package-lock.json`, 'utf8')) as LockFile

describe('imports of a file', () => {
  for (const { text, want } of [
    { text: "import { a } from 'x'", want: ['x'] },
    { text: "import {\n  a,\n  b,\n} from '@s/x/y.js'", want: ['@s/x/y.js'] },
    { text: "import './z.ts'\nexport * from './y.ts'", want: ['./z.ts', './y.ts'] },
    { text: "import type { a } from 'x'\ntype S = typeof import('y')", want: [] },
    { text: "const a = await import('x')", want: ['x'] },
    { text: "new Worker(new URL('./thread.ts', import.meta.url))", want: ['./thread.ts'] },
    { text: "// import a from 'x'\n/**\n * import('y')\n */", want: [] },
  ])
    it(JSON.stringify(text), () => expect(importsOf(text)).to.deep.equal(want))
})

describe('packages of the lock file', () => {
  const small: LockFile = {
    packages: {
      'node_modules/a': { dependencies: { b: '1' }, optionalDependencies: { arm: '1', absent: '1' } },
      'node_modules/b': {},
      'node_modules/a/node_modules/b': { dependencies: { c: '1', '@types/c': '1' } },
      'node_modules/c': { dependencies: { b: '1' } },
      'node_modules/arm': { os: ['linux'], cpu: ['arm64'] },
    },
  }
  it('are found as Node finds them', () =>
    expect(lockedFolders(small, ['a'], 'x64')).to.deep.equal([
      'node_modules/a',
      'node_modules/a/node_modules/b',
      'node_modules/b',
      'node_modules/c',
    ]))
  it('are those of the processor', () =>
    expect(lockedFolders(small, ['a'], 'arm64')).to.include('node_modules/arm'))
  it('must be there', () =>
    expect(() => lockedFolders(small, ['d'], 'x64')).to.throw('lacks d, needed by the project'))
})

describe('packages of an image', () => {
  for (const { name, has, lacks } of [
    {
      name: 'operator',
      has: ['@kubernetes/client-node', 'express'],
      lacks: ['onnxruntime-node', 'sharp', 'vega', 'mocha'],
    },
    {
      name: 'worker',
      has: ['onnxruntime-node', 'sharp'],
      lacks: ['@kubernetes/client-node', 'vega', 'express', 'mocha'],
    },
    {
      name: 'node-agent',
      has: ['@kubernetes/client-node', '@grpc/grpc-js', 'onnxruntime-node', 'koffi'],
      lacks: ['vega', 'express', 'mocha'],
    },
  ])
    for (const cpu of ['x64', 'arm64'])
      it(`${name} for ${cpu} has ${has.join(', ')} and neither of ${lacks.join(', ')}`, () => {
        const image = images.find(each => each.name === name)!
        const { files, packages } = trace(root, entriesOf(image), isCommandLine)
        for (const file of files)
          expect(
            image.folders.some(folder => file.startsWith(`${folder}/`)),
            `${file} in ${name}`,
          ).to.equal(true)
        const folders = lockedFolders(lock, packages, cpu)
        expect(folders).to.include.members(has.map(each => `node_modules/${each}`))
        for (const each of lacks) expect(folders).to.not.include(`node_modules/${each}`)
        if (has.includes('sharp')) expect(folders).to.include(`node_modules/@img/sharp-linux-${cpu}`)
      })
})
