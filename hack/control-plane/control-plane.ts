/**
 * A Kubernetes control plane of one's own: etcd, kube-apiserver, kube-controller-manager and kube-scheduler as child processes on
 * loopback ports, for the demo and for tests. Its data is worthless by contract: nothing is synced to disk, and `stop()` deletes it.
 *
 * Whatever ends this process (an exception, Ctrl-C, kill -9) also ends the control plane and removes its folder: see guard.ts.
 */
import { mkdirSync } from 'node:fs'
import { rm, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { ApiClient, ApiError } from './api-client.ts'
import { type Binaries, ensureBinaries } from './binaries.ts'
import { type ComponentSpec, RunningComponent } from './component.ts'
import { type Credentials, writeCredentials, writeKubeconfig } from './credentials.ts'
import { ControlPlaneError } from './errors.ts'
import { processGuard } from './guard.ts'
import { freePorts } from './ports.ts'

export type ServerName = ComponentSpec['name']

/** In starting order. */
export const serverNames: readonly ServerName[] = [
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
]

/** Addresses of Services, as a CIDR; whatever tells them from pods on a node must know it, too. */
export const serviceNetwork = '10.0.0.0/24'

export interface ControlPlaneOptions {
  /** Created if need be; the control plane keeps to a folder `control-plane` inside, which must not exist yet. */
  readonly directory: string
  /** Default: all four. etcd and kube-apiserver are always started. */
  readonly components?: readonly ServerName[]
  /** An older minor, such as 1.33, whose APIs and features kube-apiserver is to have. Default: its own. */
  readonly emulatedVersion?: string
  readonly readyTimeoutMs?: number
  readonly onProgress?: (line: string) => void
}

export interface ControlPlane {
  /** File with the administrator's access. */
  readonly kubeconfig: string
  /** https URL. */
  readonly server: string
  /** Data, logs (`NAME.log`) and keys. */
  readonly directory: string
  readonly binaries: Binaries
  /** Process number while it runs. */
  pid(component: ServerName): number | undefined
  /** For tests of what happens without it. Default SIGKILL. */
  kill(component: ServerName, signal?: NodeJS.Signals): Promise<void>
  /** Starts a killed component again, with the same port and data; resolves when it is ready. */
  restart(component: ServerName): Promise<void>
  /** Ends all processes and removes the data. Idempotent. */
  stop(): Promise<void>
}

/**
 * Resolves when the API server is ready, the default service account exists and kube-scheduler runs.
 *
 * @throws ControlPlaneError `go-missing`, `go-too-old`, `build-failed`, `start-failed`, `not-ready`, `aborted`; nothing is left behind
 */
export async function startControlPlane(
  options: ControlPlaneOptions,
  signal?: AbortSignal,
): Promise<ControlPlane> {
  const { onProgress, readyTimeoutMs = 90_000 } = options
  const binaries = await ensureBinaries(onProgress ? { onProgress } : {}, signal)
  for (let attempt = 1; ; attempt++) {
    const controlPlane = new ChildControlPlane(binaries, options)
    try {
      await controlPlane.start(readyTimeoutMs, signal)
      return controlPlane
    } catch (error) {
      await controlPlane.stop()
      if (signal?.aborted) throw new ControlPlaneError('aborted', 'The start was cancelled', { cause: error })
      // Between choosing a free port and listening on it, somebody else may have taken it.
      if (attempt < 3 && error instanceof ControlPlaneError && error.retryable) continue
      throw error
    }
  }
}

class ChildControlPlane implements ControlPlane {
  readonly directory: string
  readonly kubeconfig: string
  readonly binaries: Binaries
  server = ''
  readonly #wanted: readonly ServerName[]
  readonly #emulatedVersion: string | undefined
  readonly #onProgress: (line: string) => void
  readonly #running = new Map<ServerName, RunningComponent>()
  #specs = new Map<ServerName, ComponentSpec>()
  #credentials: Credentials | undefined
  #client: ApiClient | undefined
  #stopped: Promise<void> | undefined

  constructor(binaries: Binaries, options: ControlPlaneOptions) {
    this.binaries = binaries
    this.directory = join(resolve(options.directory), 'control-plane')
    this.kubeconfig = join(this.directory, 'kubeconfig')
    const { components = serverNames } = options
    this.#wanted = serverNames.filter(
      name => name === 'etcd' || name === 'kube-apiserver' || components.includes(name),
    )
    this.#emulatedVersion = options.emulatedVersion
    this.#onProgress = options.onProgress ?? (() => {})
  }

  async start(timeoutMs: number, signal?: AbortSignal): Promise<void> {
    const deadline = performance.now() + timeoutMs
    mkdirSync(resolve(this.directory, '..'), { recursive: true })
    mkdirSync(this.directory, { mode: 0o700 })
    processGuard().watchPath(this.directory)
    this.#credentials = writeCredentials(join(this.directory, 'keys'))
    const [etcdPort, apiPort] = (await freePorts(2)) as [number, number]
    this.server = `https://127.0.0.1:${apiPort}`
    this.#specs = this.#componentSpecs(etcdPort, apiPort)
    this.#launch('etcd')
    this.#launch('kube-apiserver')
    const certificate = join(this.#credentials.certificateDirectory, 'apiserver.crt')
    await this.#until('kube-apiserver to write its certificate', () => isFile(certificate), deadline, signal)
    for (const [user, token] of Object.entries(this.#credentials.tokens)) {
      const path = user === 'admin' ? this.kubeconfig : join(this.directory, `${user}.kubeconfig`)
      writeKubeconfig(path, this.server, certificate, token)
    }
    this.#client = await ApiClient.fromKubeconfig(this.kubeconfig)
    await this.#untilReady('kube-apiserver', deadline, signal)
    for (const name of this.#wanted.slice(2)) this.#launch(name)
    for (const name of this.#wanted.slice(2)) await this.#untilReady(name, deadline, signal)
  }

  pid(component: ServerName): number | undefined {
    const running = this.#running.get(component)
    return running?.running ? running.pid : undefined
  }

  async kill(component: ServerName, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const running = this.#running.get(component)
    this.#running.delete(component)
    running?.kill(signal)
    await running?.exited
  }

  async restart(component: ServerName): Promise<void> {
    await this.kill(component)
    this.#launch(component)
    await this.#untilReady(component, performance.now() + 60_000)
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  async #stop(): Promise<void> {
    this.#client?.close()
    const running = [...this.#running.values()]
    this.#running.clear()
    // The data goes anyway, so that a graceful end would only take time.
    for (const component of running) component.kill('SIGKILL')
    await Promise.all(running.map(component => component.exited))
    await rm(this.directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
    processGuard().forgetPath(this.directory)
  }

  #launch(name: ServerName): void {
    const component = new RunningComponent(this.#specs.get(name)!)
    this.#running.set(name, component)
    component.exited.then(() => {
      if (this.#running.get(name) === component)
        this.#onProgress(`${name} has ended. ${component.lastLogLines()}`)
    })
  }

  async #untilReady(name: ServerName, deadline: number, signal?: AbortSignal): Promise<void> {
    const client = this.#client!
    if (name === 'kube-apiserver' || name === 'etcd') {
      await this.#until(`${name} to be ready`, () => client.isReady(), deadline, signal)
    } else if (name === 'kube-controller-manager') {
      const found = () => client.exists('/api/v1/namespaces/default/serviceaccounts/default')
      await this.#until('the default service account', found, deadline, signal)
    }
  }

  async #until(
    what: string,
    condition: () => Promise<boolean>,
    deadline: number,
    signal?: AbortSignal,
  ): Promise<void> {
    for (;;) {
      signal?.throwIfAborted()
      for (const component of this.#running.values()) component.assertRunning()
      const reached = await condition().catch((error: unknown) => {
        if (error instanceof ApiError && error.retryable) return false
        throw error
      })
      if (reached) return
      if (performance.now() > deadline) {
        const logs = [...this.#running.values()].map(component => component.lastLogLines(6)).join('\n')
        throw new ControlPlaneError('not-ready', `Waited in vain for ${what}.\n${logs}`)
      }
      await delay(50)
    }
  }

  #componentSpecs(etcdPort: number, apiPort: number): Map<ServerName, ComponentSpec> {
    const credentials = this.#credentials!
    const etcd = `http://127.0.0.1:${etcdPort}`
    const args: Record<ServerName, readonly string[]> = {
      etcd: [
        `--data-dir=${join(this.directory, 'etcd')}`,
        `--listen-client-urls=${etcd}`,
        `--advertise-client-urls=${etcd}`,
        '--listen-peer-urls=http://127.0.0.1:0',
        '--unsafe-no-fsync',
        '--log-level=warn',
      ],
      'kube-apiserver': [
        `--etcd-servers=${etcd}`,
        '--bind-address=127.0.0.1',
        '--advertise-address=127.0.0.1',
        `--secure-port=${apiPort}`,
        `--cert-dir=${credentials.certificateDirectory}`,
        `--token-auth-file=${credentials.tokenFile}`,
        '--authorization-mode=Node,RBAC',
        '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
        `--service-account-key-file=${credentials.serviceAccountKey}`,
        `--service-account-signing-key-file=${credentials.serviceAccountKey}`,
        `--service-cluster-ip-range=${serviceNetwork}`,
        // A loopback address cannot be an endpoint of the Service "kubernetes"; pods of a process node do not need that Service.
        '--endpoint-reconciler-type=none',
        '--allow-privileged',
        // For `kubectl logs`: a process node has a loopback address of its own, and the machine's name.
        '--kubelet-preferred-address-types=InternalIP',
        '--profiling=false',
        ...(this.#emulatedVersion === undefined ? [] : [`--emulated-version=${this.#emulatedVersion}`]),
      ],
      'kube-controller-manager': [
        `--kubeconfig=${join(this.directory, 'kube-controller-manager.kubeconfig')}`,
        `--service-account-private-key-file=${credentials.serviceAccountKey}`,
        `--root-ca-file=${join(credentials.certificateDirectory, 'apiserver.crt')}`,
        `--controllers=${controllers.join(',')}`,
        '--use-service-account-credentials',
        '--leader-elect=false',
        '--secure-port=0',
        '--profiling=false',
      ],
      'kube-scheduler': [
        `--kubeconfig=${join(this.directory, 'kube-scheduler.kubeconfig')}`,
        '--leader-elect=false',
        '--secure-port=0',
        '--profiling=false',
      ],
    }
    return new Map(
      serverNames.map(name => [
        name,
        { name, path: this.binaries[name], args: args[name], log: join(this.directory, `${name}.log`) },
      ]),
    )
  }
}

/** What a cluster of pods made by an operator needs; every further one costs memory and a little CPU time all the time. */
const controllers = [
  'clusterrole-aggregation-controller',
  'daemonset-controller',
  'deployment-controller',
  'endpointslice-controller',
  'garbage-collector-controller',
  'namespace-controller',
  'node-lifecycle-controller',
  'persistentvolume-binder-controller',
  'persistentvolume-protection-controller',
  'persistentvolumeclaim-protection-controller',
  'pod-garbage-collector-controller',
  'replicaset-controller',
  'resourcequota-controller',
  'root-ca-certificate-publisher-controller',
  'serviceaccount-controller',
  'serviceaccount-token-controller',
  'taint-eviction-controller',
]

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    found => found.size > 0,
    () => false,
  )
}
