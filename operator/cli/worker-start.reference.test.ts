import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { workerRoles } from '../api/names.ts'
import { configVariable, type InferenceWorkerConfig, podAddressVariable } from '../api/worker.ts'

const command = fileURLToPath(new URL('./ekya.ts', import.meta.url))
/** Says on stderr what is loaded. */
const tell = `data:text/javascript,${encodeURIComponent(`
import { registerHooks } from 'node:module'
registerHooks({ load(url, context, next) { process.stderr.write('loads ' + url + '\\n'); return next(url, context) } })`)}`

describe('ekya worker', function () {
  this.timeout(30_000)
  for (const role of workerRoles)
    it(`${role} starts without what other commands need`, () => {
      // Without a configuration it ends where its own work would begin.
      const { status, stderr } = spawnSync(process.execPath, ['--import', tell, command, 'worker', role], {
        encoding: 'utf8',
        env: { EKYA_TERMINATION_LOG: '/dev/null' },
      })
      expect(status).to.equal(1)
      const loaded = [...stderr.matchAll(/^loads file:\/\/(.*)$/gm)].map(([, file]) => file!)
      expect(loaded.some(file => file.includes('/workers/runtime/run-worker.ts'))).to.equal(true)
      const needless =
        /operator\/(?!api\/|cli\/ekya\.ts|cli\/errors\.ts|cli\/commands\/worker\.ts|config\/errors\.ts|process\/|text\/)|commander|@kubernetes/
      expect(loaded.filter(file => needless.test(file))).to.deep.equal([])
    })

  it('hears that it is to end while it is still loading', () => {
    const meanwhile = `data:text/javascript,${encodeURIComponent(`
import { registerHooks } from 'node:module'
registerHooks({ load(url, context, next) {
  if (url.endsWith('/workers/inference/worker.ts')) process.kill(process.pid, 'SIGTERM')
  return next(url, context)
} })`)}`
    const config: InferenceWorkerConfig = {
      role: 'inference',
      namespace: 'edge',
      stream: 'cam',
      seed: 1,
      storage: '/nonexistent',
      device: { kind: 'cpu', cores: 1 },
      classes: ['car', 'bus'],
      source: { scene: { seed: 1 } },
      frameRate: 10,
      model: { uri: 'student.onnx' },
      configuration: { name: 'all', frameInterval: 1, resolutionScale: 1 },
    }
    const { status, signal } = spawnSync(
      process.execPath,
      ['--import', meanwhile, command, 'worker', 'inference'],
      {
        timeout: 20_000,
        env: {
          [configVariable]: JSON.stringify(config),
          // No other test listens there.
          [podAddressVariable]: '127.93.0.1',
          EKYA_TERMINATION_LOG: '/dev/null',
        },
      },
    )
    // Without a handler it would end by the signal here, and not at all as process 1. When it hears it depends on how far it is by then.
    expect(signal).to.equal(null)
    expect(status).to.be.oneOf([0, 143])
  })
})
