/**
 * Streams onto physical GPUs. The pods of a stream stand on one GPU, so a stream is placed as one bundle of steps, and only on
 * nodes that it allows. Which GPUs it may be put on is decided here for all policies (`placesOf`).
 *
 * `place` knows how much each stream wants: streams with a running training stay where they are (a training cannot move),
 * then the others, largest first; each stays on its GPU when it fits there, else goes where it fits best, else where most
 * is free. What does not fit is shrunk, trainings first, and said so.
 * `spread` only evens out the number of streams per GPU.
 */
import type { Gpu, Problem, StreamProblem } from './problem.ts'
import { stepsPerEntry, stepsPerGpu, toShare } from './share-grid.ts'

export interface Bundle {
  readonly stream: string
  readonly inference: number
  readonly training: number
  readonly current?: { readonly node: string; readonly gpu: string }
  /** Must stay where it is as long as that GPU is there. */
  readonly pinned?: boolean
  /** Nodes that it may be placed on; absent: any. */
  readonly nodes?: readonly string[]
}

export interface Placement {
  /** Index of the GPU, by bundle. */
  readonly gpus: readonly number[]
  readonly bundles: readonly Bundle[]
  /** What was shrunk, as sentences. */
  readonly notes: readonly string[]
}

export const gpuName = (gpu: Gpu): string => `${gpu.node}/${gpu.gpu}`

/** Index of the GPU that a stream is on, −1: none of these. */
export function currentGpu(gpus: readonly Gpu[], current: Gpu | undefined): number {
  return current === undefined ? -1 : gpus.findIndex(g => g.node === current.node && g.gpu === current.gpu)
}

const mayUse = (nodes: readonly string[] | undefined, { node }: Gpu): boolean =>
  nodes === undefined || nodes.includes(node)

/** As {@link currentGpu}; −1 as well where the stream may not be (any more). */
export function allowedCurrent(
  gpus: readonly Gpu[],
  { current, nodes }: { readonly current?: Gpu; readonly nodes?: readonly string[] },
): number {
  const g = currentGpu(gpus, current)
  return g >= 0 && mayUse(nodes, gpus[g]!) ? g : -1
}

/** Indexes of the GPUs that a stream may be on. Where that is none, all: somebody above has to refuse it. */
export function allowedGpus(gpus: readonly Gpu[], nodes: readonly string[] | undefined): number[] {
  const allowed = gpus.flatMap((gpu, g) => (mayUse(nodes, gpu) ? [g] : []))
  return allowed.length > 0 ? allowed : gpus.map((_, g) => g)
}

const takesStreams = ({ takesStreams: takes = true }: Gpu): boolean => takes

/** What of a stream decides over where it may be. One that trains there stays. */
export type Movable = Pick<StreamProblem, 'nodes'> &
  Partial<Pick<StreamProblem, 'running'>> &
  Pick<Bundle, 'pinned'> & { readonly current?: Gpu }

/**
 * By stream, indexes of the GPUs that it may be put on. Who is on a GPU that takes no streams stays there; others are put on one only where
 * nothing else is allowed, or where for each step of what they may use instead there is a stream already, as where steps have become larger.
 *
 * @param perGpu steps of one GPU.
 */
export function placesOf(streams: readonly Movable[], gpus: readonly Gpu[], perGpu: number): number[][] {
  const allowed = streams.map(({ nodes }) => allowedGpus(gpus, nodes))
  if (gpus.every(takesStreams)) return allowed
  const current = streams.map(stream => allowedCurrent(gpus, stream))
  const { kept, count } = keptWhereTheyAre(streams, current, gpus, perGpu)
  const places = allowed.map((all, i) => {
    const own = current[i]!
    return own >= 0 && !takesStreams(gpus[own]!) ? [own] : all.filter(g => takesStreams(gpus[g]!))
  })
  for (const i of leastChoiceFirst(places)) {
    if (kept.has(i)) continue
    const least = places[i]!.length === 0 ? undefined : leastUsed(places[i]!, count)
    if (least !== undefined && count[least]! < perGpu) count[least]!++
    else places[i] = allowed[i]!
  }
  return places
}

/** Streams that stay on their GPU, and how many each GPU has of them: those that may not leave, and others as long as there are steps. */
function keptWhereTheyAre(
  streams: readonly Movable[],
  current: readonly number[],
  gpus: readonly Gpu[],
  perGpu: number,
): { readonly kept: ReadonlySet<number>; readonly count: number[] } {
  const kept = new Set<number>()
  const count = gpus.map(() => 0)
  const keep = (i: number): void => {
    kept.add(i)
    count[current[i]!]!++
  }
  const mayLeave = (i: number): boolean => {
    const { running, pinned } = streams[i]!
    return running === undefined && pinned !== true && takesStreams(gpus[current[i]!]!)
  }
  const there = current.flatMap((own, i) => (own < 0 ? [] : [i]))
  for (const i of there) if (!mayLeave(i)) keep(i)
  for (const i of there) if (mayLeave(i) && count[current[i]!]! < perGpu) keep(i)
  return { kept, count }
}

/** A problem without GPUs that nobody may be put on: what they have is nobody's to share out. */
export function withoutUnused<P extends Pick<Problem, 'gpus' | 'streams' | 'step'>>(problem: P): P {
  const { gpus, streams, step } = problem
  if (gpus.every(takesStreams)) return problem
  const used = new Set(placesOf(streams, gpus, stepsPerGpu(step)).flat())
  return { ...problem, gpus: gpus.filter((gpu, g) => takesStreams(gpu) || used.has(g)) }
}

/** @param perGpu steps of one GPU. At least one GPU. */
export function place(
  bundles: readonly Bundle[],
  gpus: readonly Gpu[],
  perGpu: number,
  step: number,
): Placement {
  const size = (i: number): number => bundles[i]!.inference + bundles[i]!.training
  const places = placesOf(bundles, gpus, perGpu)
  const current = bundles.map(b => allowedCurrent(gpus, b))
  const pinned = bundles.map((b, i) => b.pinned === true && current[i]! >= 0)
  const free = gpus.map(() => perGpu)
  const target = bundles.map(() => -1)
  const put = (i: number, gpu: number): void => {
    target[i] = gpu
    free[gpu]! -= size(i)
  }
  const bySize = leastChoiceFirst(places, (a, b) => size(b) - size(a))
  for (const i of bySize) if (pinned[i]) put(i, current[i]!)
  for (const i of bySize)
    if (target[i] === -1 && current[i]! >= 0 && free[current[i]!]! >= size(i)) put(i, current[i]!)
  for (const i of bySize) if (target[i] === -1) put(i, chooseGpu(size(i), current[i]!, free, places[i]!))

  const notes: string[] = []
  const fitted = [...bundles]
  gpus.forEach((gpu, g) => {
    const here = bySize.filter(i => target[i] === g)
    shrink(here, fitted, perGpu)
    for (const i of here) notes.push(...describeShrink(bundles[i]!, fitted[i]!, gpu, step))
  })
  return { gpus: target, bundles: fitted, notes }
}

/** Where it fits with the least left over; where it fits nowhere, the GPU with most free; the present one among equals. */
function chooseGpu(size: number, current: number, free: readonly number[], among: readonly number[]): number {
  let best = among[0]!
  const rank = (g: number): readonly [number, number, number] => {
    const left = free[g]! - size
    return [left >= 0 ? 0 : 1, left >= 0 ? left : -left, g === current ? 0 : 1]
  }
  for (const g of among) if (comesBefore(rank(g), rank(best))) best = g
  return best
}

function comesBefore(a: readonly number[], b: readonly number[]): boolean {
  const i = a.findIndex((x, k) => x !== b[k])
  return i >= 0 && a[i]! < b[i]!
}

/** Takes steps from the largest training, then from the largest inference above one step, then from any inference. */
function shrink(here: readonly number[], bundles: Bundle[], perGpu: number): void {
  let excess = here.reduce((sum, i) => sum + bundles[i]!.inference + bundles[i]!.training, 0) - perGpu
  for (const [kind, least] of [
    ['training', 0],
    ['inference', 1],
    ['inference', 0],
  ] as const)
    while (excess > 0) {
      let from: number | undefined
      for (const i of here)
        if (bundles[i]![kind] > least && (from === undefined || bundles[i]![kind] >= bundles[from]![kind]))
          from = i
      if (from === undefined) break
      bundles[from] = { ...bundles[from]!, [kind]: bundles[from]![kind] - 1 }
      excess--
    }
}

function describeShrink(wanted: Bundle, got: Bundle, gpu: Gpu, step: number): string[] {
  return (['training', 'inference'] as const)
    .filter(kind => got[kind] < wanted[kind])
    .map(
      kind =>
        `${wanted.stream}: ${kind} share ${toShare(wanted[kind], step)} does not fit on GPU ${gpuName(gpu)}, shrunk to ${toShare(got[kind], step)}`,
    )
}

/** What is spread, and over what. */
export interface SpreadSite extends Pick<Problem, 'gpus' | 'gpuCapacity' | 'step'> {
  readonly streams: readonly Movable[]
}

/** GPU by stream: as many streams on each GPU that takes some as on any other, or one more; those that are there stay where they can. */
export function spread(site: SpreadSite): number[] {
  const { streams, gpus } = site
  const perGpu = stepsPerEntry(site)
  const places = placesOf(streams, gpus, perGpu)
  const current = streams.map(s => allowedCurrent(gpus, s))
  const stays = (i: number): boolean => current[i]! >= 0 && !takesStreams(gpus[current[i]!]!)
  const target = streams.map((s, i) => (s.running !== undefined || stays(i) ? current[i]! : -1))
  const count = gpus.map((_, g) => target.filter(t => t === g).length)
  const open = gpus.flatMap((gpu, g) => (takesStreams(gpu) ? [g] : []))
  const among = streams.filter((_, i) => !stays(i)).length
  // Whom these have no step for goes to the others.
  const most = open.length < gpus.length ? perGpu : Number.POSITIVE_INFINITY
  const each = open.length === 0 ? 0 : Math.min(most, Math.floor(among / open.length))
  let extra = open.length === 0 || each === most ? 0 : among - each * open.length
  const put = (i: number, g: number): void => {
    target[i] = g
    count[g]!++
  }
  for (const g of open) extra -= Math.max(0, count[g]! - each)
  streams.forEach((_, i) => {
    const g = current[i]!
    if (target[i] !== -1 || g < 0) return
    if (count[g]! < each) put(i, g)
    else if (count[g] === each && extra > 0) {
      extra--
      put(i, g)
    }
  })
  for (const i of leastChoiceFirst(places)) if (target[i] === -1) put(i, leastUsed(places[i]!, count))
  return target
}

/** Of some GPUs the one with the fewest streams, the first among equals. */
export const leastUsed = (among: readonly number[], count: readonly number[]): number =>
  among.reduce((least, g) => (count[g]! < count[least]! ? g : least))

/**
 * Indexes of the streams, those with the fewest GPUs to choose among first: who may go anywhere finds a place afterwards.
 *
 * @param places as of {@link placesOf}.
 */
export function leastChoiceFirst(
  places: readonly (readonly number[])[],
  otherwise: (a: number, b: number) => number = () => 0,
): number[] {
  return places
    .map((_, i) => i)
    .sort((a, b) => places[a]!.length - places[b]!.length || otherwise(a, b) || a - b)
}
