/**
 * A site for end-to-end tests: a control plane of the suite's own, a process node, and the operator as a child process behind a fault
 * proxy, so that a test sees and breaks what passes between operator and API server.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePorts } from '../../hack/control-plane/ports.ts'
import { type OperatorProcess, startOperator } from '../../hack/demo/operator-process.ts'
import { type RealNodeFixture, useRealNode } from '../../hack/node/testing/node-fixture.ts'
import { type ProcessNode, startProcessNode } from '../../hack/process-node/process-node.ts'
import { type ApiServer, useApiServer } from '../../hack/testing/api-server.ts'
import type { CameraStream, RetrainingWindow } from '../../operator/api/generated/types.ts'
import { apiVersion } from '../../operator/api/names.ts'
import { type FaultProxy, startFaultProxy } from '../../operator/kube/testing/fault-proxy.ts'
import { backendLabel } from '../../operator/sharing/backend.ts'
import { makeStorage, useImages } from './images.ts'

const repository = fileURLToPath(new URL('../../', import.meta.url)).replace(/\/$/, '')

export interface E2eSite {
  readonly api: ApiServer
  /** Root of the storage; holds `initial/student.onnx`, the built-in student. */
  storage(): string
  proxy(): FaultProxy
  /** Where the workers are processes. */
  node(): ProcessNode
  /** Where they are containers. */
  containers(): RealNodeFixture
  operator(): OperatorProcess
  /** How often the operator has been started again. */
  restarts(): number
  /** @throws when the operator keeps dying. */
  check(): void
  camera(name: string, spec: object): Promise<void>
  window(name: string, spec: object): Promise<void>
  readCamera(name: string): Promise<CameraStream>
  readWindow(name: string): Promise<RetrainingWindow>
}

export interface SiteOptions {
  /** Makes what the operator may do and answers the path of its kubeconfig; default: the administrator's. */
  readonly operatorAccess?: (api: ApiServer, folder: string) => Promise<string>
  /** The operator watches the suite's namespace alone, and takes part in an election there. Default: all, without one. */
  readonly namespaced?: boolean
  /** Cores of the node; default 1.5. */
  readonly cpus?: number
  /** Which backend shares them; default cpu. */
  readonly backend?: string
  /** A real node, with the workers in containers, instead of a process node; `cpus` are then the machine's. Default false. */
  readonly containers?: boolean
  /** Further labels of the node. */
  readonly labels?: Readonly<Record<string, string>>
  /** Further arguments of `ekya operator`. */
  readonly operatorArguments?: readonly string[]
  /** User whose the storage is; default that of the images. */
  readonly storageUser?: number
}

/** To be called in the body of a `describe`. */
export function useSite({
  operatorAccess,
  namespaced = false,
  cpus = 1.5,
  backend = 'cpu',
  containers = false,
  labels: moreLabels = {},
  operatorArguments,
  storageUser,
}: SiteOptions = {}): E2eSite {
  const api = useApiServer({ crds: true, own: ['kube-controller-manager', 'kube-scheduler'] })
  const labels = { [backendLabel]: backend, ...moreLabels }
  const real = containers ? useRealNode(api, { labels }) : undefined
  const images = real && useImages(real, ['worker'])
  let folder: string
  let node: ProcessNode | undefined
  let proxy: FaultProxy | undefined
  let operator: OperatorProcess | undefined
  let failure: Error | undefined
  let restarts = 0

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ekya-e2e-'))
    makeStorage(join(folder, 'storage'), storageUser)
    if (!containers)
      node = await startProcessNode({
        kubeconfig: api.kubeconfig(),
        name: 'e2e-node',
        cpus,
        labels,
        directory: join(folder, 'node'),
        repository,
      })
    proxy = await startFaultProxy((await operatorAccess?.(api, folder)) ?? api.kubeconfig())
    const [port] = await freePorts(1)
    operator = startOperator({
      repository,
      kubeconfig: proxy.kubeconfig(folder),
      storage: join(folder, 'storage'),
      address: `127.0.0.1:${port}`,
      log: join(folder, 'operator.log'),
      maximumDeaths: 100,
      leaderElection: namespaced,
      ...(images && { workerImage: images.reference('worker') }),
      ...(namespaced && { namespace: api.namespace() }),
      ...(operatorArguments && { more: operatorArguments }),
      onRestart: () => restarts++,
      onFailure: error => {
        failure = error
      },
    })
    await operator.ready(30_000)
  })

  after(async () => {
    await operator?.stop()
    await node?.stop()
    await proxy?.close()
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  })

  const path = (plural: string) => `/apis/${apiVersion}/namespaces/${api.namespace()}/${plural}`
  const metadata = (name: string) => ({ name, namespace: api.namespace(), labels: { site: 'a' } })
  return {
    api,
    storage: () => join(folder, 'storage'),
    proxy: () => proxy!,
    node: () => node!,
    containers: () => real!,
    operator: () => operator!,
    restarts: () => restarts,
    check() {
      if (failure) throw failure
    },
    async camera(name, spec) {
      const body = { apiVersion, kind: 'CameraStream', metadata: metadata(name), spec }
      await api.client().post(path('camerastreams'), body)
    },
    async window(name, spec) {
      const body = { apiVersion, kind: 'RetrainingWindow', metadata: metadata(name), spec }
      await api.client().post(path('retrainingwindows'), body)
    },
    readCamera: name => api.client().get<CameraStream>(`${path('camerastreams')}/${name}`),
    readWindow: name => api.client().get<RetrainingWindow>(`${path('retrainingwindows')}/${name}`),
  }
}

export const sceneClasses = ['car', 'truck', 'bus', 'bicycle', 'pedestrian', 'dog']
