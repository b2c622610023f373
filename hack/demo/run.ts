/**
 * One run of the demo: starts everything, follows the windows, stops everything.
 *
 *   folder ─▶ model, load ┐
 *        └──▶ control plane ─▶ resources, node ─▶ operator ─▶ windows … ─▶ summary
 *
 * What was started is stopped in the reverse order, however the run ends. All files lie in one folder of the cache.
 */
import { randomBytes } from 'node:crypto'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { WindowRecord } from '../../operator/api/generated/types.ts'
import { ApiClient } from '../control-plane/api-client.ts'
import { cacheDirectory } from '../control-plane/binaries.ts'
import { startControlPlane } from '../control-plane/control-plane.ts'
import { processGuard } from '../control-plane/guard.ts'
import { freePorts } from '../control-plane/ports.ts'
import { startProcessNode } from '../process-node/process-node.ts'
import { type Cleanup, createCleanup } from './cleanup.ts'
import { follow } from './follow.ts'
import {
  frameRateOnGpu,
  gpuImageEnv,
  gpuNodeLabels,
  gpuOperatorOptions,
  gpuProblems,
  labelingShareOnGpu,
  type NodeAgentProcess,
  startNodeAgent,
} from './gpu.ts'
import { createDisplay } from './live.ts'
import { frameCost, frameRateFor, frameRateOfList, type Load, labelingShareFor, loadOf } from './load.ts'
import { demoManifests, goldenFile, sampleClasses, studentFile } from './manifests.ts'
import { logTail, startOperator } from './operator-process.ts'
import type { DemoOptions } from './options.ts'
import { Site } from './site.ts'
import { type Summary, summarise, summaryLines } from './summary.ts'
import { together } from './together.ts'

const repository = fileURLToPath(new URL('../../', import.meta.url)).replace(/\/$/, '')
/** Cores of the machine that are not part of the "GPU": for the control plane, the operator and this program. */
const reservedCores = 0.25
const refreshMs = 1000

export interface RunOutput {
  readonly isTTY?: boolean
  readonly columns?: number
  readonly rows?: number
  write(text: string): unknown
}

/** Undefined where the demo was to go on until it is interrupted. */
export async function runDemo(
  options: DemoOptions,
  output: RunOutput,
  signal: AbortSignal,
): Promise<Summary | undefined> {
  const cleanup = createCleanup()
  try {
    return await run(options, output, cleanup, signal)
  } finally {
    output.write('stopping …\n')
    for (const failure of await cleanup.run()) output.write(`  ${failure}\n`)
  }
}

async function run(
  options: DemoOptions,
  output: RunOutput,
  cleanup: Cleanup,
  interrupted: AbortSignal,
): Promise<Summary | undefined> {
  const begin = performance.now()
  const elapsed = () => (performance.now() - begin) / 1000
  const say = (line: string) => {
    output.write(`${elapsed().toFixed(1).padStart(6)} s  ${line}\n`)
  }
  // Ends the run from within: the operator keeps dying.
  const failing = new AbortController()
  const signal = AbortSignal.any([interrupted, failing.signal])

  const problems = options.gpu ? gpuProblems() : []
  if (problems.length > 0) throw new Error(`--gpu: ${problems.join('; ')}`)
  const folder = await runFolder(options, cleanup, output)
  const cores = Math.floor(availableParallelism() * (1 - reservedCores) * 1000) / 1000
  const [{ kubeconfig, kubectl }, load] = await together(
    [
      aborted => cluster(options, folder, cleanup, say, aborted),
      aborted => prepareModels(options, folder, cores, say, aborted),
    ],
    signal,
  )

  const namespace = options.kubeconfig ? 'ekya-demo' : 'default'
  const site = new Site(await ApiClient.fromKubeconfig(kubeconfig), namespace)
  cleanup.add('connection', () => site.close())
  // Its MPS daemon must outlive the pods, so it is stopped after the node.
  let agent: NodeAgentProcess | undefined
  cleanup.add('node agent', () => agent?.stop())
  const [created, node] = await together(
    [
      aborted => site.installCrds(join(repository, 'crds'), aborted),
      async () => {
        const started = await startProcessNode({
          kubeconfig,
          // Of this run alone: two demos on one machine must not take each other's processes for leftovers.
          name: `ekya-demo-${randomBytes(3).toString('hex')}`,
          cpus: cores,
          directory: join(folder, 'node'),
          repository,
          ...(options.gpu && { labels: gpuNodeLabels, imageEnv: gpuImageEnv(repository) }),
          onProgress: line => say(`node: ${line}`),
        })
        cleanup.add('node', () => started.stop())
        return started
      },
    ],
    signal,
  )
  if (options.kubeconfig) {
    if (created.length > 0) cleanup.add('resource definitions', () => site.removeCrds(created))
    await site.createNamespace(signal)
    cleanup.add('namespace', () => site.removeNamespace())
  }
  if (options.gpu) {
    const [port] = await freePorts(1)
    agent = await startNodeAgent({ repository, kubeconfig, nodeName: node.name, port: port!, folder }, signal)
    say("node with this machine's NVIDIA GPU is ready, shared through MPS")
  } else say(`node with one "GPU" of ${cores} cores is ready (cpu limits by ${node.limiter})`)

  const files = {
    cameras: await readFile(join(repository, 'hack/demo/cameras.yaml'), 'utf8'),
    window: await readFile(join(repository, 'hack/demo/retraining-window.yaml'), 'utf8'),
  }
  const manifests = demoManifests(files, options, namespace, load)
  await site.apply([...manifests.cameras, manifests.window], signal)

  const [port] = await freePorts(1)
  const log = join(folder, 'operator.log')
  let note = say
  const operator = startOperator({
    repository,
    kubeconfig,
    // In a cluster that others use as well it keeps to what is the demo's.
    ...(options.kubeconfig && { namespace }),
    ...(options.gpu && { more: gpuOperatorOptions(cores, options.cameras) }),
    storage: join(folder, 'storage'),
    address: `127.0.0.1:${port}`,
    log,
    onRestart: line => note(line),
    onFailure: error => failing.abort(error),
  })
  cleanup.add('operator', () => operator.stop())
  const footer = [
    `look further:  ${kubectl} --kubeconfig ${kubeconfig} -n ${namespace} get cam,rw`,
    `dashboard:     ${operator.url}/   metrics: ${operator.url}/metrics`,
    `logs:          ${folder}`,
    ...(options.windows === null ? ['Ctrl-C stops everything'] : []),
  ]
  await operator.ready(30_000, signal)
  say(`operator is ready (pid ${operator.pid})`)

  const display = createDisplay(output, footer, elapsed)
  note = line => display.note(line)
  let begun = false
  let records: readonly WindowRecord[]
  try {
    records = await follow(
      {
        read: aborted => site.read(aborted),
        show(view, now) {
          if (!begun && view.index !== null && view.phase !== 'Pending') {
            begun = true
            display.note(`${elapsed().toFixed(1).padStart(6)} s  the first window has begun`)
          }
          display.update(view, now)
        },
        windows: options.windows,
        windowSeconds: options.windowSeconds,
        now: () => Date.now(),
        pause: aborted => delay(refreshMs, undefined, { signal: aborted }),
        onReadFailure: error => display.note(`the API server does not answer: ${messageOf(error)}`),
      },
      signal,
    )
  } catch (error) {
    display.end()
    if (interrupted.aborted) throw interrupted.reason
    if (failing.signal.aborted) throw failing.signal.reason
    throw new Error(`${messageOf(error)}\n${await logTail(log)}`, { cause: error })
  }
  display.end()

  const summary = summarise(options.policy, records, options.windows ?? 0)
  output.write(`\n${summaryLines(summary).join('\n')}\n`)
  if (options.json) {
    await writeFile(options.json, `${JSON.stringify(summary, null, 2)}\n`)
    output.write(`summary written to ${options.json}\n`)
  }
  return summary
}

async function runFolder(options: DemoOptions, cleanup: Cleanup, output: RunOutput): Promise<string> {
  const parent = join(cacheDirectory(), 'demo')
  await mkdir(parent, { recursive: true })
  const folder = await mkdtemp(join(parent, 'run-'))
  // Libraries leave files in the folder for temporary ones (onnxruntime a mat-debug-PID.log for each process); children inherit it.
  process.env.TMPDIR = folder
  if (options.keep) {
    cleanup.add('folder', () => {
      output.write(`logs and models are left in ${folder}\n`)
    })
  } else {
    processGuard().watchPath(folder)
    cleanup.add('folder', async () => {
      await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
      processGuard().forgetPath(folder)
    })
  }
  return folder
}

async function cluster(
  options: DemoOptions,
  folder: string,
  cleanup: Cleanup,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<{ kubeconfig: string; kubectl: string }> {
  if (options.kubeconfig) {
    try {
      ;(await ApiClient.fromKubeconfig(options.kubeconfig)).close()
    } catch (error) {
      throw new Error(`--kubeconfig ${options.kubeconfig}: ${messageOf(error)}`, { cause: error })
    }
    return { kubeconfig: options.kubeconfig, kubectl: 'kubectl' }
  }
  const controlPlane = await startControlPlane({ directory: folder, onProgress: say }, signal)
  cleanup.add('control plane', () => controlPlane.stop())
  say('control plane is ready')
  return { kubeconfig: controlPlane.kubeconfig, kubectl: controlPlane.binaries.kubectl }
}

/** Puts the models into the storage folder, and chooses the frame rate. */
async function prepareModels(
  options: DemoOptions,
  folder: string,
  cores: number,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<Load> {
  const storage = join(folder, 'storage')
  await mkdir(join(storage, 'initial'), { recursive: true })
  const student = options.model ?? (await builtInStudent(options, say, signal))
  await cp(student, join(storage, studentFile))
  if (options.source.kind === 'scene') {
    await cp(join(repository, 'hack/models/scene-golden.onnx'), join(storage, goldenFile))
  }
  if (options.gpu) {
    const frameRate = options.frameRate ?? (await rateOfList(options)) ?? frameRateOnGpu
    return { frameRate, labelingShare: labelingShareOnGpu }
  }
  const scene = options.source.kind === 'scene'
  const { cpuSecondsPerFrame } = await frameCost(
    {
      source: scene ? { scene: { seed: options.seed } } : { samples: { uri: sampleUri(options, 0) } },
      classes: scene ? sceneClasses : sampleClasses,
      model: join(storage, studentFile),
      frames: 150,
    },
    signal,
  )
  const frameRate =
    options.frameRate ??
    (await rateOfList(options)) ??
    frameRateFor(cpuSecondsPerFrame, cores, options.cameras)
  const load = loadOf(frameRate, cpuSecondsPerFrame, cores, options.cameras)
  say(
    `a frame costs ${(cpuSecondsPerFrame * 1000).toFixed(1)} ms of cpu: ${options.cameras} ${options.cameras === 1 ? 'camera' : 'cameras'} at ${frameRate} frames a second ${options.cameras === 1 ? 'needs' : 'need'} ${(load * 100).toFixed(0)} % of the "GPU" for inference`,
  )
  return { frameRate, labelingShare: labelingShareFor(load) }
}

/** By the first list of the first camera; undefined where there are no lists. */
async function rateOfList({ source, windowSeconds }: DemoOptions): Promise<number | undefined> {
  if (source.kind !== 'samples') return undefined
  const text = await readFile(join(source.folder, 'cam-0', '0.csv'), 'utf8')
  const images = text.trimEnd().split('\n').length - 1
  return frameRateOfList(Math.max(1, images), windowSeconds)
}

const sceneClasses = ['car', 'truck', 'bus', 'bicycle', 'pedestrian', 'dog'] as const

const sampleUri = ({ source }: DemoOptions, camera: number): string =>
  source.kind === 'samples' ? `file://${source.folder}/cam-${camera}` : ''

async function builtInStudent(
  options: DemoOptions,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<string> {
  if (options.source.kind === 'scene') return join(repository, 'hack/models/scene-student.onnx')
  // Loaded only here: it brings the trainer along.
  const { pretrainedStudent } = await import('../models/pretrain-samples.ts')
  return pretrainedStudent(
    options.source.folder,
    { cacheFolder: cacheDirectory(), classes: sampleClasses.length, onProgress: say },
    signal,
  )
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
