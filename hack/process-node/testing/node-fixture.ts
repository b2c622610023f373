/**
 * A process node on the suite's API server, and short ways to make and read pods.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { after, before } from 'mocha'
import { type ApiServer, waitFor } from '../../testing/api-server.ts'
import { type PodReader, podReader } from '../../testing/pods.ts'
import type { ContainerSpec, Pod, PodSpec } from '../pod.ts'
import { type ProcessNode, type ProcessNodeOptions, startProcessNode } from '../process-node.ts'

export const repository = fileURLToPath(new URL('../../../', import.meta.url))

export interface NodeFixture extends PodReader {
  node(): ProcessNode
  options(): ProcessNodeOptions
  /** Stops the node without a word to the API, and starts it again. */
  restart(): Promise<void>
  create(name: string, container: Partial<ContainerSpec>, spec?: Partial<PodSpec>): Promise<Pod>
  exists(name: string): Promise<boolean>
  resize(name: string, cpu: string): Promise<Pod>
  delete(name: string, body?: object): Promise<void>
}

export function useProcessNode(api: ApiServer, given: Partial<ProcessNodeOptions> = {}): NodeFixture {
  let node: ProcessNode | undefined
  let options: ProcessNodeOptions
  const directory = mkdtempSync(join(tmpdir(), 'ekya-node-'))
  const path = (name = '') => `/api/v1/namespaces/${api.namespace()}/pods${name === '' ? '' : `/${name}`}`

  before(async function () {
    this.timeout(30_000)
    options = {
      kubeconfig: api.kubeconfig(),
      name: `node-${api.namespace()}`,
      cpus: 1.5,
      directory,
      repository,
      backoff: { initialMs: 200, maximumMs: 1000 },
      ...given,
    }
    node = await startProcessNode(options)
    await waitFor(
      async () => {
        const found = await api
          .client()
          .get<{ spec: { taints?: unknown[] } }>(`/api/v1/nodes/${options.name}`)
        return !found.spec.taints?.length
      },
      { deadlineMs: 20_000, describe: 'the node to be free of taints' },
    )
  })

  after(async function () {
    this.timeout(20_000)
    await node?.stop()
    rmSync(directory, { recursive: true, force: true })
  })

  const fixture: NodeFixture = {
    node: () => node!,
    options: () => options,
    async restart() {
      await node?.stop()
      node = await startProcessNode(options)
    },
    create(name, container, spec = {}) {
      return api.client().post<Pod>(path(), {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name },
        spec: {
          nodeSelector: { 'kubernetes.io/hostname': options.name },
          terminationGracePeriodSeconds: 2,
          containers: [{ name: 'main', image: 'none', ...container }],
          ...spec,
        },
      })
    },
    ...podReader(api, 15_000),
    exists: name => api.client().exists(path(name)),
    resize: (name, cpu) =>
      api.client().patch<Pod>(`${path(name)}/resize`, 'strategic', {
        spec: { containers: [{ name: 'main', resources: { requests: { cpu }, limits: { cpu } } }] },
      }),
    async delete(name, body) {
      await api.client().delete(path(name), body)
    },
  }
  return fixture
}

export const sh = (script: string): Partial<ContainerSpec> => ({ command: ['/bin/sh', '-c', script] })

export const cpu = (amount: string) => ({ resources: { requests: { cpu: amount }, limits: { cpu: amount } } })

/** The state of the only container. */
export const main = (pod: Pod) => pod.status?.containerStatuses?.[0]

export const condition = (pod: Pod, type: string) =>
  pod.status?.conditions?.find(entry => entry.type === type)

export const isReady = (pod: Pod): boolean => condition(pod, 'Ready')?.status === 'True'
