import { execFileSync } from 'node:child_process'
import { expect } from 'chai'

describe('KubeConfig', () => {
  it('is loaded without the classes that are generated for every kind, which are there for others', () => {
    const module = JSON.stringify(new URL('kube-config.ts', import.meta.url).href)
    const program = `
      import { registerHooks } from 'node:module'
      const generated = []
      registerHooks({ load: (url, context, next) => (url.includes('/gen/models/') && generated.push(url), next(url, context)) })
      const { KubeConfig } = await import(${module})
      const config = new KubeConfig()
      config.loadFromClusterAndUser({ name: 'c', server: 'https://example.test' }, { name: 'u', token: 't' })
      const before = generated.length
      const whole = await import(${JSON.stringify(import.meta.resolve('@kubernetes/client-node'))})
      console.log(JSON.stringify({
        generated: before,
        server: config.getCurrentCluster().server,
        whole: [typeof whole.CoreV1Api, whole.KubeConfig === KubeConfig],
      }))`
    const said = execFileSync(process.execPath, ['--input-type=module', '--eval', program], {
      encoding: 'utf8',
    })
    expect(JSON.parse(said)).to.deep.equal({
      generated: 0,
      server: 'https://example.test',
      whole: ['function', true],
    })
  })
})
