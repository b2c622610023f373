import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { workerRoles } from '../api/names.ts'

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
        /operator\/(?!api\/|cli\/ekya\.ts|cli\/errors\.ts|cli\/commands\/worker\.ts|config\/errors\.ts|text\/)|commander|@kubernetes/
      expect(loaded.filter(file => needless.test(file))).to.deep.equal([])
    })
})
