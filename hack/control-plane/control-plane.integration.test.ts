import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { useApiServer } from '../testing/api-server.ts'
import { waitFor } from '../testing/wait-for.ts'
import type { KubernetesObject } from './api-client.ts'
import { serverNames } from './control-plane.ts'

const main = fileURLToPath(new URL('main.ts', import.meta.url))

describe('control plane', function () {
  this.timeout(60_000)

  describe('with all its components', () => {
    const api = useApiServer()

    it('serves the pinned version', async () => {
      const version = await api.client().get<{ gitVersion: string }>('/version')
      expect(version.gitVersion).to.equal('v1.35.4')
    })

    it('makes the default service account of a namespace, and deletes namespaces', async () => {
      const client = api.client()
      const name = `${api.namespace()}-x`
      await client.post('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
      await waitFor(() => client.exists(`/api/v1/namespaces/${name}/serviceaccounts/default`), {
        describe: 'account',
      })
      await client.delete(`/api/v1/namespaces/${name}`)
      await waitFor(async () => !(await client.exists(`/api/v1/namespaces/${name}`)), {
        describe: 'the deletion',
      })
    })

    it('collects what an absent owner leaves behind', async () => {
      const client = api.client()
      const path = `/api/v1/namespaces/${api.namespace()}/configmaps`
      const owner = await client.post<KubernetesObject>(path, { metadata: { name: 'owner' } })
      const reference = { apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: owner.metadata.uid }
      await client.post(path, { metadata: { name: 'owned', ownerReferences: [reference] } })
      await client.delete(`${path}/owner`)
      await waitFor(async () => !(await client.exists(`${path}/owned`)), {
        deadlineMs: 30_000,
        describe: 'the collection',
      })
    })
  })

  describe('of a suite of its own', () => {
    const api = useApiServer({ own: [] })

    it('keeps its data when kube-apiserver is killed and started again', async () => {
      const controlPlane = api.controlPlane()
      const path = `/api/v1/namespaces/${api.namespace()}/configmaps`
      await api.client().post(path, { metadata: { name: 'kept' } })
      const before = controlPlane.pid('kube-apiserver')
      await controlPlane.kill('kube-apiserver')
      expect(await api.client().isReady()).to.equal(false)
      await controlPlane.restart('kube-apiserver')
      expect(controlPlane.pid('kube-apiserver')).to.be.a('number').and.not.equal(before)
      expect(await api.client().exists(`${path}/kept`)).to.equal(true)
    })
  })

  for (const signal of ['SIGINT', 'SIGKILL'] as const) {
    it(`leaves no process and no file when its owner dies of ${signal}`, async () => {
      const directory = mkdtempSync(join(tmpdir(), 'ekya-test-'))
      const child = spawn(process.execPath, [main, 'start', '--directory', directory, '--json'], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const ready = await new Promise<{ pids: Record<string, number> }>((resolve, reject) => {
        createInterface({ input: child.stdout }).once('line', line => resolve(JSON.parse(line)))
        child.once('exit', code => reject(new Error(`ended with ${code}`)))
      })
      expect(Object.keys(ready.pids)).to.have.members([...serverNames])
      child.kill(signal)
      await waitFor(() => !Object.values(ready.pids).some(isAlive), { describe: 'the processes to end' })
      await waitFor(() => !existsSync(join(directory, 'control-plane')), { describe: 'the data to go' })
      rmSync(directory, { recursive: true, force: true })
    })
  }
})

/** A process that has ended but that nobody has reaped yet is not alive. */
function isAlive(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.startsWith('Z') === false
  } catch {
    return false
  }
}
