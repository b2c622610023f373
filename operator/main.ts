/**
 * Composition root of the operator: one readonly configuration in, everything wired, nothing decided.
 *
 * Every replica keeps its caches and its page; only the leader reconciles. A lost leadership ends the process with exit code 1, so that
 * the kubelet starts it again from nothing; a signal that aborts ends it with 0 after what is under way has been finished.
 */
import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { pino } from 'pino'
import { gpuAnnotation, nodeAnnotation, retrainingWindowLabel, streamLabel } from './api/names.ts'
import type { InferenceStatus, WorkerStatus } from './api/worker.ts'
import { workerPort } from './api/worker.ts'
import { type Cluster, createCluster } from './cluster/cluster.ts'
import { isUnready, notReadyMs } from './cluster/lost-nodes.ts'
import { concernsSites } from './cluster/node-changes.ts'
import { podSnapshot } from './cluster/pod.ts'
import { ShareLog } from './cluster/share-log.ts'
import { createWorkerClient } from './cluster/worker-client.ts'
import { WorkerPoller } from './cluster/worker-poller.ts'
import type { OperatorConfig } from './config/config.ts'
import { packageVersion } from './config/version.ts'
import { cameraStreamManager, cameraStreamReconciler } from './controllers/camera-stream/controller.ts'
import { createPlanningThread } from './controllers/planning/thread.ts'
import {
  retrainingWindowManager,
  retrainingWindowReconciler,
} from './controllers/retraining-window/controller.ts'
import { RecentPods } from './controllers/retraining-window/recent-pods.ts'
import { systemClock } from './kube/clock.ts'
import { type Controller, type ControllerHooks, createController } from './kube/controller.ts'
import { isNotFound, loggedError } from './kube/errors.ts'
import { createEventRecorder } from './kube/events.ts'
import { createLeaderElector } from './kube/leader-election.ts'
import { type KubeObject, keyOf, parseKey } from './kube/objects.ts'
import { pods } from './kube/resources.ts'
import { createTransport } from './kube/transport.ts'
import { createMetrics, type Metrics } from './metrics/registry.ts'
import { countWindows, observeSite } from './metrics/site-observer.ts'
import { clusterView } from './server/cluster-view.ts'
import { createLiveHub, type LiveHub } from './server/dashboard/live.ts'
import { createSampleReader } from './server/dashboard/samples.ts'
import { createHealthMonitor } from './server/health.ts'
import { startServer } from './server/server.ts'
import {
  type BackendSet,
  backend as backendNamed,
  backendSet,
  createBackends,
} from './sharing/backends/registry.ts'
import { createResizeExecutor } from './sharing/executor.ts'

/** How often running workers are asked how they do. */
const pollMs = 1000

/** @returns the exit code. */
export async function runOperator(config: OperatorConfig, stop: AbortSignal): Promise<number> {
  const log = pino({
    level: config.logLevel,
    base: undefined,
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { err: loggedError },
  })
  const clock = systemClock

  const metrics = createMetrics({ version: packageVersion })
  const hooks = {
    onRequest: ({ verb, code }: { verb: string; code: string }) =>
      metrics.kubeRequest(verb, Number(code) || 'error'),
  }
  const userAgent = `ekya-operator/${packageVersion}`
  const access = {
    userAgent,
    hooks,
    ...(config.kubeconfig === undefined ? {} : { kubeconfig: config.kubeconfig }),
  }
  const transport = createTransport(access)
  // Renewals must not stand in a queue behind other calls.
  const electionTransport = createTransport({ ...access, connections: 1 })
  const identity = `${hostname()}_${randomUUID()}`
  const available = createBackends(config.gpus)
  const backends = backendSet(
    config.backend === 'all' ? available : [backendNamed(config.backend, available)],
  )
  const recorder = createEventRecorder({
    transport,
    controller: 'ekya.dev/operator',
    instance: identity,
    log,
  })
  const workers = createWorkerClient()
  const planning = createPlanningThread()
  const health = createHealthMonitor({ now: () => clock.monotonicMs() })
  const cluster = createCluster({
    transport,
    backends,
    fieldManagers: [retrainingWindowManager, cameraStreamManager],
    clock,
    log,
    namespaces: config.namespaces,
    hooks: { onList: ({ resource, reason }) => metrics.listed(resource, reason) },
  })
  const poller = new WorkerPoller({
    pods: () => cluster.pods.list(),
    reader: { status: (ip: string): Promise<WorkerStatus> => workers.status(`${ip}:${workerPort}`) },
    intervalMs: pollMs,
    onChange: pod => wake(pod),
    now: () => clock.now().getTime(),
  })
  const resizeHooks = { onResize: metrics.resized, onActuated: metrics.resizeActuated }
  const executor = createResizeExecutor({
    client: {
      patchResize: (namespace, name, body, signal) =>
        transport.patch(
          pods,
          { namespace, name },
          'strategic-merge',
          body,
          { subresource: 'resize' },
          signal,
        ),
    },
    now: () => clock.monotonicMs(),
    hooks: resizeHooks,
    isNotFound,
  })

  const observe = (uid: string) => poller.of(uid)
  const caches = [cluster]
  const controllerHooks = queueHooks(metrics)
  const windowController = createController({
    name: 'retraining-window',
    caches,
    log,
    hooks: controllerHooks,
    reconcile: retrainingWindowReconciler({
      cluster,
      transport,
      observe,
      actuator: {
        transport,
        executor,
        backends,
        workers,
        learn: (pod, status) => poller.learn(pod, status),
        recent: new RecentPods(),
        hooks: resizeHooks,
        options: {
          image: config.workerImage,
          storage: config.storage,
          // Left out where there is none: it is part of what pods are made of, and pods that run are to stay.
          ...(config.workerTolerations.length === 0 ? {} : { tolerations: config.workerTolerations }),
        },
        seed: config.seed,
      },
      solver: planning,
      onScheduled: metrics.scheduled,
      recorder,
      clock,
      onSite: (site, readings) => observeSite(metrics, site, readings),
      onStatus: (window, status) => countWindows(metrics, window, status),
      onGone: key => {
        const { namespace = '', name } = parseKey(key)
        metrics.forgetWindow(namespace, name)
      },
      onRetrained: metrics.retrained,
    }),
  })
  const streamController = createController({
    name: 'camera-stream',
    caches,
    log,
    hooks: controllerHooks,
    concurrency: 4,
    reconcile: cameraStreamReconciler({
      cluster,
      transport,
      workers,
      backends,
      observe,
      learn: (pod, status: InferenceStatus) => poller.learn(pod, status),
      clock,
      onGone: key => {
        const { namespace = '', name } = parseKey(key)
        metrics.forgetStream(namespace, name)
      },
    }),
  })
  const wake = wiring(cluster, backends, windowController, streamController)
  const shares = new ShareLog(() => clock.now().getTime())
  const live = createLiveHub()
  observeForDashboard(cluster, backends, shares, live)

  const elector = createLeaderElector({
    transport: electionTransport,
    lease: { namespace: config.leaderElection.namespace, name: 'ekya-operator' },
    identity,
    log,
    onTransition: state => metrics.setLeader(state === 'leader'),
  })
  const server = await startServer({
    address: `${config.http.host?.includes(':') ? `[${config.http.host}]` : (config.http.host ?? '')}:${config.http.port}`,
    metrics: metrics.registry,
    health: () => health.check(),
    awaited: () => cluster.awaited(),
    view: () =>
      clusterView(
        cluster,
        config.leaderElection.enabled
          ? { leads: elector.isLeading(), leader: elector.leader() }
          : { leads: true },
        packageVersion,
      ),
    dashboard: {
      site: { cluster, shares, samples: createSampleReader(config.storage.folder) },
      frame: () => ({
        version: packageVersion,
        leads: config.leaderElection.enabled ? elector.isLeading() : true,
        leader: elector.leader(),
      }),
      live,
      now: () => clock.now(),
    },
    log,
  })
  log.info({ url: server.url, version: packageVersion, identity }, 'operator started')

  const lead = async (leading: AbortSignal): Promise<void> => {
    metrics.setLeader(true)
    poller.start()
    try {
      await Promise.all([windowController.run(leading), streamController.run(leading)])
    } finally {
      await poller.stop()
    }
  }
  const heartbeat = setInterval(() => {
    health.beat()
    metrics.observeSilence(cluster.silence(), config.leaderElection.enabled ? elector.silentMs() : 0)
    controllerHooks.onUnfinished('retraining-window', windowController.queue.unfinishedSeconds())
    controllerHooks.onUnfinished('camera-stream', streamController.queue.unfinishedSeconds())
  }, 5000).unref()
  const stopAll = new AbortController()
  const watching = cluster.run(stopAll.signal)
  try {
    const outcome = config.leaderElection.enabled
      ? await elector.run(lead, stop)
      : await lead(stop).then(() => 'released' as const)
    if (outcome === 'lost')
      log.error({ identity }, 'lost the leadership: ending, so that a fresh process takes part again')
    return outcome === 'lost' ? 1 : 0
  } finally {
    clearInterval(heartbeat)
    await recorder.flush(AbortSignal.timeout(2000))
    stopAll.abort()
    await watching
    health.stop()
    await server.close()
    await workers.close()
    await planning.close()
    await Promise.all([transport.close(), electionTransport.close()])
  }
}

/**
 * Which keys a change concerns. A stream concerns its window (and a window its streams); a pod both, by its labels; a node all windows.
 * Answers what a changed pod wakes.
 */
function wiring(
  cluster: Cluster,
  backends: BackendSet,
  windows: Controller,
  streams: Controller,
): (pod: KubeObject) => void {
  const wakeWindowsIn = (namespace: string | undefined) => {
    for (const window of cluster.windows.inNamespace(namespace ?? '')) windows.queue.add(keyOf(window))
  }
  const wakePod = (pod: KubeObject) => {
    const { namespace, labels = {} } = pod.metadata
    if (labels[retrainingWindowLabel] !== undefined)
      windows.queue.add(`${namespace}/${labels[retrainingWindowLabel]}`)
    if (labels[streamLabel] !== undefined) streams.queue.add(`${namespace}/${labels[streamLabel]}`)
  }
  cluster.streams.subscribe({
    onChange: change => {
      streams.queue.add(change.key)
      wakeWindowsIn((change.new ?? change.old).metadata.namespace)
    },
  })
  cluster.windows.subscribe({
    onChange: change => {
      windows.queue.add(change.key)
      for (const stream of cluster.streams.inNamespace((change.new ?? change.old).metadata.namespace ?? ''))
        streams.queue.add(keyOf(stream))
    },
  })
  cluster.pods.subscribe({ onChange: change => wakePod(change.new ?? change.old) })
  cluster.nodes.subscribe({
    onChange: change => {
      if (change.type === 'updated' && !concernsSites(change.old, change.new, backends)) return
      for (const window of cluster.windows.list()) {
        windows.queue.add(keyOf(window))
        // No event tells that a node has been unready for long.
        if (change.new !== undefined && isUnready(change.new))
          windows.queue.addAfter(keyOf(window), notReadyMs + 100)
      }
    },
  })
  return wakePod
}

/** Keeps what the dashboard shows beyond the caches: who held what share, and that pages should look again. */
function observeForDashboard(cluster: Cluster, backends: BackendSet, shares: ShareLog, live: LiveHub): void {
  for (const store of [cluster.streams, cluster.windows]) store.subscribe({ onChange: () => live.changed() })
  cluster.pods.subscribe({
    onChange: change => {
      live.changed()
      const uid = (change.new ?? change.old).metadata.uid ?? ''
      const pod = change.new === undefined ? undefined : podSnapshot(change.new)
      const { [nodeAnnotation]: node = '', [gpuAnnotation]: gpu = '' } = pod?.pod.metadata.annotations ?? {}
      const machine = cluster.nodes.get(node)
      const device = machine && backends.discover(machine).find(each => each.gpu === gpu)
      if (pod === undefined || pod.finished || device === undefined) return shares.ends(uid)
      const { stream, role } = pod
      const share = backends.of(device).read(pod.pod, device).actual
      shares.holds({ uid, namespace: pod.pod.metadata.namespace ?? '', stream, role, node, gpu, share })
    },
  })
}

interface QueueHooks extends ControllerHooks {
  onUnfinished(queue: string, seconds: number): void
}

function queueHooks(metrics: Metrics): QueueHooks {
  const queues = new Map<string, ReturnType<Metrics['workqueue']>>()
  const of = (queue: string) => {
    const known = queues.get(queue) ?? metrics.workqueue(queue)
    queues.set(queue, known)
    return known
  }
  return {
    onAdd: queue => of(queue).onAdd(),
    onDepth: (queue, depth) => of(queue).onDepth(depth),
    onRetry: queue => of(queue).onRetry(),
    onWaited: (queue, seconds) => of(queue).onStarted(seconds),
    onWorked: (queue, seconds) => of(queue).onDone(seconds),
    onUnfinished: (queue, seconds) => of(queue).onUnfinished(seconds),
    onReconcile: (controller, outcome, seconds) =>
      metrics.reconciled(
        controller,
        outcome === 'terminal' ? 'terminal_error' : outcome === 'timeout' ? 'error' : outcome,
        seconds,
      ),
  }
}
