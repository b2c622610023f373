import { execFileSync } from 'node:child_process'
import { expect } from 'chai'

describe('KubeConfig', () => {
  it('is loaded without the classes that are generated for every kind', () => {
    const module = JSON.stringify(new URL('kube-config.ts', import.meta.url).href)
    const program = `
      import { registerHooks } from 'node:module'
      const generated = []
      registerHooks({ load: (url, context, next) => (url.includes('/gen/models/') && generated.push(url), next(url, context)) })
      const { KubeConfig } = await import(${module})
      const config = new KubeConfig()
      config.loadFromClusterAndUser({ name: 'c', server: 'https://example.test' }, { name: 'u', token: 't' })
      console.log(JSON.stringify({ generated: generated.length, server: config.getCurrentCluster().server }))`
    const said = execFileSync(process.execPath, ['--input-type=module', '--eval', program], {
      encoding: 'utf8',
    })
    expect(JSON.parse(said)).to.deep.equal({ generated: 0, server: 'https://example.test' })
  })
})
