/**
 * Hands the share of a training that ended to those that are left on its GPU (Ekya's `reallocation_callback`).
 *
 * Ekya's system gives it to inference only, because a training would have to be restarted; its simulator gives it evenly to
 * all jobs. Here jobs that can use it come first: inference below its demand and the trainings that run, a step each in
 * turn, of equals first who holds least; when none of them can take more, the rest goes to inference evenly as room for bursts.
 */
import { demandShare } from './inference/inference-quality.ts'
import type { Gpu, Problem, StreamProblem } from './problem.ts'
import { coveringSteps, stepsPerGpu, toShare } from './share-grid.ts'
import type { JobShares } from './timeline.ts'

export interface Allocation {
  readonly stream: string
  readonly node: string
  readonly gpu: string
  readonly inferenceShare: number
  /** 0: none runs. */
  readonly trainingShare: number
  /** From where more inference share does not help (`demandShare`). */
  readonly inferenceDemand: number
}

/** What streams hold, as a hand-on asks for it. @param on the GPU of each, by index. */
export function allocationsOf(
  streams: readonly Pick<StreamProblem, 'name' | 'inference'>[],
  shares: readonly JobShares[],
  on: (stream: number) => Gpu,
): Allocation[] {
  return streams.map(({ name, inference }, i) => ({
    stream: name,
    ...on(i),
    inferenceShare: shares[i]!.inference,
    trainingShare: shares[i]!.training,
    inferenceDemand: demandShare(inference),
  }))
}

/** What a hand-on must know of the site. */
export type HandOnSite = Pick<Problem, 'step' | 'gpuCapacity'>

/**
 * The allocations after the training of `ended` has ended, in the same order. What counts as free is what nobody on the GPU
 * holds, so it is all the same whether the ended training's share was set to 0 before. Nobody loses a step.
 */
export function handOn<A extends Allocation>(allocations: readonly A[], ended: string, step: number): A[] {
  const perGpu = stepsPerGpu(step)
  const own = allocations.find(a => a.stream === ended)
  if (own === undefined) return [...allocations]
  const jobs = allocations.map(a => ({
    here: a.node === own.node && a.gpu === own.gpu,
    // Rounded up: a share that is no multiple of the step must not be handed on in part.
    inference: coveringSteps(a.inferenceShare, step),
    training: a === own ? 0 : coveringSteps(a.trainingShare, step),
    demand: Math.min(perGpu, coveringSteps(a.inferenceDemand, step)),
    received: { inference: 0, training: 0 },
  }))
  const here = jobs.filter(job => job.here)
  let free = perGpu - here.reduce((sum, job) => sum + job.inference + job.training, 0)

  for (; free > 0; free--) {
    const useful = here.flatMap(job => {
      if (job.inference + job.training >= perGpu) return []
      const kinds: Kind[] = []
      if (job.inference < job.demand) kinds.push('inference')
      if (job.training > 0) kinds.push('training')
      return kinds.map(kind => ({ job, kind }))
    })
    const spare = here
      .filter(job => job.inference + job.training < perGpu)
      .map(job => ({ job, kind: 'inference' as const }))
    const to = least(useful) ?? least(spare)
    if (to === undefined) break
    to.job[to.kind]++
    to.job.received[to.kind]++
  }

  return allocations.map((a, i) => {
    const job = jobs[i]!
    if (!job.here) return a
    return {
      ...a,
      inferenceShare: moved(a.inferenceShare, job.inference, step),
      trainingShare: moved(a === own ? 0 : a.trainingShare, job.training, step),
    }
  })
}

type Kind = 'inference' | 'training'
type Taker = {
  readonly job: Record<Kind, number> & { readonly received: Record<Kind, number> }
  readonly kind: Kind
}

/** Who has received fewest steps; of equals who holds least; then who is listed first. */
function least(takers: readonly Taker[]): Taker | undefined {
  return takers.reduce<Taker | undefined>((a, b) => {
    if (a === undefined) return b
    const received = b.job.received[b.kind] - a.job.received[a.kind]
    return received < 0 || (received === 0 && b.job[b.kind] < a.job[a.kind]) ? b : a
  }, undefined)
}

/** Leaves a share alone that gains nothing, even where it is no multiple of the step. */
function moved(share: number, steps: number, step: number): number {
  return steps === coveringSteps(share, step) ? share : toShare(steps, step)
}
