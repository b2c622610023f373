/**
 * Inference shares at once, before there is a plan (Ekya's `get_inference_schedule`): when a window begins, when a stream
 * appears or goes.
 *
 * Of each GPU a part is reserved for the pods that label and profile; the rest goes to inference by weight and demand.
 * Shares in force are kept where they do: a GPU is split again only when a stream came to it without a share, when its
 * shares do not fit beside the reserve, or when a free step would help somebody. Trainings are over, or where streams come in the middle
 * of a window keep what they hold; but serving comes before learning, so reserve and trainings give way to a first step for every stream.
 */

import { allowedCurrent, currentGpu, leastChoiceFirst, leastUsed, placesOf, spread } from '../placement.ts'
import type { Gpu, StreamProblem } from '../problem.ts'
import { coveringSteps, stepsPerGpu, toShare, toSteps } from '../share-grid.ts'
import { bestInference, demandShare } from './inference-quality.ts'

export interface QuickProblem {
  readonly step: number
  readonly gpus: readonly Gpu[]
  /** As in `Problem`. In a pool inference gets equal parts, as in Ekya's simulator, and not in whole steps. */
  readonly gpuCapacity?: number
  readonly streams: readonly QuickStream[]
  /** Share of each GPU for labelling and profiling, in [0, 1]; 0: none. */
  readonly reserve: number
  /** Trainings that run (`current.trainingShare`) go on; default false. Not in a pool. */
  readonly keepsTrainings?: boolean
}

export type QuickStream = Pick<StreamProblem, 'name' | 'weight' | 'inference' | 'current' | 'nodes'>

export interface QuickItem {
  readonly stream: string
  readonly node: string
  readonly gpu: string
  /** Multiple of the step, > 0 unless the GPU has more streams than steps. */
  readonly inferenceShare: number
  readonly inferenceConfiguration: string
  /** Multiple of the step, no more than the training held; 0: none goes on. */
  readonly trainingShare: number
}

export interface QuickSchedule {
  readonly items: readonly QuickItem[]
  readonly warnings: readonly string[]
}

export function quickSchedule(problem: QuickProblem): QuickSchedule {
  const { gpus, streams, step } = problem
  if (streams.length === 0) return { items: [], warnings: [] }
  if (gpus.length === 0)
    return { items: [], warnings: ['no GPU: none of the streams can be served until a node offers one'] }
  if (problem.gpuCapacity !== undefined) return pooled(problem, problem.gpuCapacity)
  const perGpu = stepsPerGpu(step)
  const target = placeStreams(problem)
  const steps: number[] = streams.map(() => 0)
  const trainings: number[] = streams.map(() => 0)
  const warnings: string[] = []
  gpus.forEach((gpu, g) => {
    const here = streams.map((_, i) => i).filter(i => target[i] === g)
    if (here.length === 0) return
    const free = Math.max(0, perGpu - here.length)
    const held = problem.keepsTrainings === true ? trainingsKept(problem, here, g, free) : here.map(() => 0)
    here.forEach((i, k) => {
      trainings[i] = held[k]!
    })
    const taken = held.reduce((a, b) => a + b, 0)
    const wanted = problem.reserve > 0 ? coveringSteps(Math.min(1, problem.reserve), step) : 0
    const left = perGpu - taken - Math.min(wanted, free - taken)
    if (here.length > perGpu)
      warnings.push(
        `GPU ${gpu.node}/${gpu.gpu} has ${here.length} streams and ${perGpu} steps of ${step}: some get no share; use smaller steps, more GPUs or fewer streams`,
      )
    const given = kept(problem, here, g, left) ?? divide(problem, here, left)
    here.forEach((i, k) => {
      steps[i] = given[k]!
    })
  })
  const items = streams.map((stream, i) => {
    return quickItem(stream, gpus[target[i]!]!, toShare(steps[i]!, step), toShare(trainings[i]!, step))
  })
  return { items, warnings }
}

const quickItem = (
  { name, inference }: Pick<StreamProblem, 'name' | 'inference'>,
  { node, gpu }: Gpu,
  inferenceShare: number,
  trainingShare = 0,
): QuickItem => ({
  stream: name,
  node,
  gpu,
  inferenceShare,
  inferenceConfiguration: bestInference(inference, inferenceShare).configuration,
  trainingShare,
})

function pooled({ gpus, streams, reserve }: QuickProblem, capacity: number): QuickSchedule {
  const perGpu = Math.ceil(streams.length / gpus.length)
  const items = streams.map((stream, i) => {
    const first = i - (i % perGpu)
    const here = Math.min(perGpu, streams.length - first)
    const gpu = gpus[Math.floor(i / perGpu)]!
    return quickItem(stream, gpu, (capacity * (1 - reserve)) / here)
  })
  return { items, warnings: [] }
}

/** Streams stay where they are as long as everybody there can have a step; the others go where the fewest are. */
function placeStreams({ gpus, streams, step }: QuickProblem): number[] {
  const perGpu = stepsPerGpu(step)
  const target = streams.map(s => allowedCurrent(gpus, s))
  const count = gpus.map((_, g) => target.filter(t => t === g).length)
  if (count.some(c => c > perGpu)) return spread({ streams, gpus, step })
  const places = placesOf(streams, gpus, perGpu)
  for (const i of leastChoiceFirst(places)) {
    if (target[i]! >= 0) continue
    const least = leastUsed(places[i]!, count)
    target[i] = least
    count[least]!++
  }
  return target
}

/** Steps of the trainings that run on a GPU, at most so many in all: who holds most gives first. */
function trainingsKept(
  { streams, gpus, step }: QuickProblem,
  here: readonly number[],
  g: number,
  most: number,
): number[] {
  const held = here.map(i => {
    const { current } = streams[i]!
    return current !== undefined && currentGpu(gpus, current) === g
      ? coveringSteps(current.trainingShare, step)
      : 0
  })
  for (let over = held.reduce((a, b) => a + b, 0) - most; over > 0; over--)
    held[held.indexOf(Math.max(...held))]!--
  return held
}

/** The steps in force on a GPU, where nothing speaks for a change. */
function kept(
  problem: QuickProblem,
  here: readonly number[],
  g: number,
  steps: number,
): number[] | undefined {
  const { streams, gpus, step } = problem
  if (here.some(i => currentGpu(gpus, streams[i]!.current) !== g)) return undefined
  const given = here.map(i => toSteps(streams[i]!.current!.inferenceShare, step))
  const free = steps - given.reduce((a, b) => a + b, 0)
  if (free < 0 || given.some(s => s === 0)) return undefined
  const lacking = here.some((i, k) => given[k]! < coveringSteps(demandShare(streams[i]!.inference), step))
  return lacking && free > 0 ? undefined : given
}

/**
 * One step each, heavier streams first; then step by step to whoever has least of weight × demand (Webster's rounding), first
 * up to the demands, then beyond as room for bursts.
 */
function divide({ streams, step }: QuickProblem, here: readonly number[], steps: number): number[] {
  const demand = here.map(i => Math.max(1, coveringSteps(demandShare(streams[i]!.inference), step)))
  const weight = here.map(i => streams[i]!.weight)
  const given = here.map(() => 0)
  const most = stepsPerGpu(step)
  const first = here.map((_, k) => k).sort((a, b) => weight[b]! - weight[a]! || a - b)
  for (const k of first.slice(0, steps)) given[k] = 1
  for (let left = steps - Math.min(steps, here.length); left > 0; left--) {
    const lacking = first.filter(k => given[k]! < demand[k]!)
    const among = lacking.length > 0 ? lacking : first.filter(k => given[k]! < most)
    const fill = (k: number): number => (given[k]! + 0.5) / (weight[k]! * demand[k]!)
    const to = among.reduce<number | undefined>(
      (a, b) => (a === undefined || fill(b) < fill(a) - 1e-12 ? b : a),
      undefined,
    )
    if (to === undefined) break
    given[to]!++
  }
  return given
}
