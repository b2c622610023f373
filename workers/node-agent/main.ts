/**
 * `ekya node-agent`: a pod on every node with GPUs that makes them shareable.
 *
 * It runs until it is asked to end, then takes its device plugins back and ends its MPS daemons.
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { gpuShareResource } from '../../operator/api/gpu-inventory.ts'
import { sleep, systemClock } from '../../operator/kube/clock.ts'
import { createTransport } from '../../operator/kube/transport.ts'
import { serveHttp } from '../runtime/http-server.ts'
import { workerLog } from '../runtime/log.ts'
import { NodeAgent } from './agent.ts'
import { agentMetrics } from './agent-metrics.ts'
import { clientProcess } from './client-processes.ts'
import { curveBook } from './curve/curve-book.ts'
import { CurveKeeper } from './curve/curve-keeper.ts'
import { measureCurve } from './curve/measurement.ts'
import { SharePlugin } from './device-plugin/share-plugin.ts'
import { endingPods } from './ending-pods.ts'
import { GpuWatch } from './gpu-watch.ts'
import { mpsControl } from './mps-control.ts'
import { MpsDaemon } from './mps-daemon.ts'
import { multiprocessorsOf } from './multiprocessors.ts'
import { nodeObject } from './node-object.ts'
import { type FoundGpu, processMemory } from './nvidia-smi.ts'
import type { NodeAgentOptions } from './options.ts'
import { ownPrograms } from './programs.ts'
import { routesOf } from './routes.ts'

/** Long enough for a median at a tenth of a small GPU, short enough for ten of them in a minute or two. */
const measuredTraining = { device: 'cuda', seconds: 3, batchSize: 32 } as const
/** GPUs are looked for once in so many steps. */
const stepsForDiscovery = 6
/** What the last step before kubelet kills a pod may be late by. */
const killMarginMs = 5000
/** kubelet's restarts are looked for so often. */
const pluginCheckMs = 1000

/** Returns once `signal` has aborted and everything is taken back. @throws KubeError configuration, or what the HTTP address refuses */
export async function runNodeAgent(
  options: NodeAgentOptions,
  signal: AbortSignal,
  onListening?: (port: number) => void,
): Promise<void> {
  const log = workerLog({ role: 'node-agent', node: options.nodeName }, options.logLevel)
  const programs = ownPrograms
  const clock = systemClock
  const { nvidiaSmi, mpsFolder, shmFolder } = options
  const transport = createTransport({
    ...(options.kubeconfig === undefined ? {} : { kubeconfig: options.kubeconfig }),
    userAgent: 'ekya-node-agent',
  })
  const pipeDirectory = (uuid: string) => join(mpsFolder, uuid)
  const metrics = agentMetrics({
    node: options.nodeName,
    agent: () => agent,
    clientProcess,
    processMemory: () => processMemory(programs, nvidiaSmi),
  })
  const watch = new GpuWatch({
    programs,
    nvidiaSmi,
    clock,
    everyMs: stepsForDiscovery * options.intervalSeconds * 1000,
  })

  const daemonOf = (found: FoundGpu) => {
    const { uuid, index } = found
    const gpu = String(index)
    // From the first look on, so that the first fault is an increase.
    metrics.faults.inc({ gpu }, 0)
    const bound = log.child({ gpu, uuid })
    const folder = pipeDirectory(uuid)
    const daemon = new MpsDaemon({
      uuid,
      programs,
      clock,
      program: options.mpsControl,
      control: mpsControl(programs, options.mpsControl, folder),
      pipeDirectory: folder,
      logDirectory: join(folder, 'log'),
      async prepare(stop) {
        await mkdir(join(folder, 'log'), { recursive: true })
        if (options.exclusiveMode) await watch.makeExclusive(found, stop)
      },
      onLine: line => bound.debug({ line }, 'the MPS daemon says'),
      onStart(how) {
        metrics.daemonStarts.inc({ gpu, how })
        bound.info({ how }, 'the MPS daemon serves')
      },
      onFault() {
        metrics.faults.inc({ gpu })
        bound.error({}, 'an error of one client took the MPS server down')
      },
    })
    return daemon
  }
  const pluginOf = (gpu: FoundGpu) => {
    if (options.allocation !== 'device-plugin') return undefined
    const label = { gpu: String(gpu.index) }
    const resource = gpuShareResource(gpu.index)
    return new SharePlugin({
      folder: options.devicePluginFolder,
      resource,
      clock,
      gpu: {
        index: gpu.index,
        uuid: gpu.uuid,
        memoryMiB: gpu.memoryMiB,
        pipeDirectory: pipeDirectory(gpu.uuid),
        ...(shmFolder === undefined ? {} : { shmDirectory: shmFolder }),
      },
      onAllocate: units => metrics.allocations.inc(label, units),
      onRegister() {
        metrics.registrations.inc(label)
        log.info({ resource }, 'kubelet took the device plugin')
      },
    })
  }
  const book = curveBook(options.curveFolder, options.curveModel ?? 'resnet18 64x64')
  const keeper = new CurveKeeper({
    book,
    clock,
    measure: ({ uuid }, stop) => {
      const control = mpsControl(programs, options.mpsControl, pipeDirectory(uuid))
      return measureCurve(
        {
          programs,
          uuid,
          pipeDirectory: pipeDirectory(uuid),
          clients: async () => (await control.clients(stop)).length,
          request: {
            ...measuredTraining,
            ...(options.curveModel === undefined ? {} : { model: options.curveModel }),
          },
        },
        stop,
      )
    },
    onMeasured: (gpu, curve) => log.info({ gpu, curve }, 'the throughput curve is measured'),
    onFailed: (gpu, error) => log.warn({ gpu, err: error }, 'the throughput curve is not measured'),
  })
  const agent = new NodeAgent(
    {
      discover: stop => watch.discover(stop),
      multiprocessors: (gpu, stop) =>
        multiprocessorsOf(
          programs,
          gpu,
          problem => log.warn({ uuid: gpu.uuid, problem }, 'the number of multiprocessors is not known'),
          stop,
        ),
      node: nodeObject(transport, options.nodeName),
      daemon: daemonOf,
      plugin: pluginOf,
      curve: gpu => book.curve(gpu.model),
      endingPods: stop => endingPods(transport, options.nodeName, stop),
      podOf: async pid => (await clientProcess(pid)).podUid,
      now: () => clock.monotonicMs(),
      onClientEnded({ index }, pid, podUid) {
        metrics.clientsEnded.inc({ gpu: String(index) })
        log.warn({ gpu: String(index), pid, podUid }, 'a client whose pod hangs at its end is ended')
      },
    },
    {
      allocation: options.allocation,
      besideOtherPlugins: options.besideOtherPlugins,
      oldestDriver: options.oldestDriver,
      endsBeforeKillMs: options.intervalSeconds * 1000 + killMarginMs,
      folders: { pipeDirectory, ...(shmFolder === undefined ? {} : { shmDirectory: shmFolder }) },
    },
  )
  const server = await serveHttp(routesOf({ agent, metrics, clientProcess }), {
    host: options.http.host ?? '0.0.0.0',
    port: options.http.port,
    onError: (error, route) => log.error({ err: error, route }, 'a request failed'),
  })
  onListening?.(server.port)
  let told = ''
  const failing = new AbortController()
  const both = AbortSignal.any([signal, failing.signal])
  const look = async (): Promise<void> => {
    for (;;) {
      await agent.step(both)
      if (options.measureCurve) keeper.consider(agent.gpus)
      const problems = agent.problems.join('; ')
      if (problems !== told) {
        if (problems === '') log.info({}, 'all is well')
        else log.warn({ problems: agent.problems }, 'something is not as it should be')
        told = problems
      }
      await sleep(clock, options.intervalSeconds * 1000, both)
    }
  }
  // Beside the steps, which a slow driver may hold up.
  const lookAtKubelet = async (): Promise<void> => {
    for (;;) {
      await sleep(clock, pluginCheckMs, both)
      await agent.checkPlugins()
    }
  }
  const loops = [look(), lookAtKubelet()].map(loop => loop.catch(error => failing.abort(error)))
  try {
    await Promise.all(loops)
    if (!signal.aborted) throw failing.signal.reason
  } finally {
    await keeper.stop()
    await agent.stop()
    for (const problem of await watch.release())
      log.warn({ problem }, 'the compute mode could not be put back')
    await server.close()
    await transport.close()
    log.info({}, 'the node agent ends')
  }
}
