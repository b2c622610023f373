/**
 * Share stealing (Ekya, Algorithm 1): a hill climb in which every job in turn steals steps from every other one as long as
 * the objective rises.
 *
 *   for each thief job, for each victim job ≠ thief:
 *     repeat: temp = best; victim −Δ, thief +Δ; stop at victim < 0; PickConfigs(temp); better → best = temp, else stop
 *
 * To the letter but for three things that the paper leaves open:
 *   - no stream's inference goes below `leastInference`, and no stream above one whole GPU (`streamLimit`);
 *   - `patience`: how many steals in a row from one victim may fail to help before the thief turns to the next. The paper's
 *     0 stops at the first one, and so at every plateau: a training that needs three more steps to end within the window
 *     gains nothing from the first;
 *   - what a training holds without being chosen, and inference beyond what helps it, is released after each round, and the
 *     free steps are a victim that loses nothing: for each job every amount of them is weighed.
 */
import { isBetter, type Picker, type Score, type StreamShares } from '../pick-configurations.ts'

export interface PooledSteps {
  /** Steps by stream. */
  readonly shares: readonly StreamShares[]
  /** The pool that each stream's steps come from: a GPU, or 0 for all where streams are not placed yet. */
  readonly pools: readonly number[]
  /** Unused steps by pool. */
  readonly free: readonly number[]
}

export interface StealingRules {
  readonly leastInference: number
  readonly streamLimit: number
  readonly patience: number
  /** Rounds over all pairs, each followed by release and take; a round that changes nothing is the last. */
  readonly iterations: number
}

interface Job {
  readonly stream: number
  readonly kind: keyof StreamShares
}

/** @param trainable which streams have a training job at all. */
export function climb(
  start: PooledSteps,
  trainable: readonly boolean[],
  picker: Picker,
  rules: StealingRules,
): PooledSteps {
  const jobs: Job[] = [
    ...start.shares.map((_, stream) => ({ stream, kind: 'inference' as const })),
    ...start.shares.flatMap((_, stream) =>
      trainable[stream] ? [{ stream, kind: 'training' as const }] : [],
    ),
  ]
  let best = start
  for (let round = 0; round < rules.iterations; round++) {
    const before = best
    best = { ...best, shares: stealAll(best, jobs, picker, rules) }
    best = releaseInference(releaseTrainings(best, picker), picker, rules)
    best = takeFree(best, jobs, picker, rules)
    if (best.shares.every((s, i) => same(s, before.shares[i]!))) break
  }
  return best
}

function stealAll(
  start: PooledSteps,
  jobs: readonly Job[],
  picker: Picker,
  rules: StealingRules,
): StreamShares[] {
  const best = [...start.shares]
  for (const thief of jobs)
    for (const victim of jobs) {
      if (victim === thief || start.pools[victim.stream] !== start.pools[thief.stream]) continue
      let bestScore = scoreOf(best, thief, victim, picker)
      let failures = 0
      let temp = best
      for (;;) {
        const next = stolen(temp, thief, victim, rules)
        if (next === undefined) break
        temp = next
        const score = scoreOf(temp, thief, victim, picker)
        if (isBetter(score, bestScore)) {
          bestScore = score
          best[thief.stream] = temp[thief.stream]!
          best[victim.stream] = temp[victim.stream]!
          failures = 0
        } else if (++failures > rules.patience) break
      }
    }
  return best
}

/** One step from the victim to the thief; undefined where a rule forbids it. */
function stolen(
  shares: readonly StreamShares[],
  thief: Job,
  victim: Job,
  rules: StealingRules,
): StreamShares[] | undefined {
  const next = [...shares]
  next[victim.stream] = changed(next[victim.stream]!, victim.kind, -1)
  next[thief.stream] = changed(next[thief.stream]!, thief.kind, 1)
  const least = victim.kind === 'inference' ? rules.leastInference : 0
  if (next[victim.stream]![victim.kind] < least || sum(next[thief.stream]!) > rules.streamLimit)
    return undefined
  return next
}

/** Score of the one or two streams that a steal touches: the others' is the same before and after it. */
function scoreOf(shares: readonly StreamShares[], thief: Job, victim: Job, picker: Picker): Score {
  const a = picker.score(thief.stream, shares[thief.stream]!)
  if (victim.stream === thief.stream) return a
  const b = picker.score(victim.stream, shares[victim.stream]!)
  return { floors: a.floors + b.floors, accuracy: a.accuracy + b.accuracy }
}

/** Frees what trainings hold whose choice is ∅. */
export function releaseTrainings(allocation: PooledSteps, picker: Picker): PooledSteps {
  return releaseSteps(allocation, (own, stream) =>
    own.training === 0 || picker.pick(stream, own).retraining !== null ? own : { ...own, training: 0 },
  )
}

/** Frees what inference holds beyond what helps it. */
function releaseInference(allocation: PooledSteps, picker: Picker, rules: StealingRules): PooledSteps {
  return releaseSteps(allocation, (own, stream) => {
    let kept = own
    while (kept.inference > rules.leastInference) {
      const less = changed(kept, 'inference', -1)
      if (isBetter(picker.score(stream, own), picker.score(stream, less))) break
      kept = less
    }
    return kept
  })
}

function releaseSteps(
  allocation: PooledSteps,
  keep: (own: StreamShares, stream: number) => StreamShares,
): PooledSteps {
  const free = [...allocation.free]
  const shares = allocation.shares.map((own, stream) => {
    const kept = keep(own, stream)
    free[allocation.pools[stream]!]! += sum(own) - sum(kept)
    return kept
  })
  return { ...allocation, shares, free }
}

/** Gives free steps to whom they help most per step, until they help nobody. */
function takeFree(
  allocation: PooledSteps,
  jobs: readonly Job[],
  picker: Picker,
  rules: StealingRules,
): PooledSteps {
  const shares = [...allocation.shares]
  const free = [...allocation.free]
  for (;;) {
    let best: { job: Job; steps: number; floors: number; accuracy: number } | undefined
    for (const job of jobs) {
      const own = shares[job.stream]!
      const before = picker.score(job.stream, own)
      const most = Math.min(free[allocation.pools[job.stream]!]!, rules.streamLimit - sum(own))
      for (let steps = 1; steps <= most; steps++) {
        const after = picker.score(job.stream, changed(own, job.kind, steps))
        if (!isBetter(after, before)) continue
        const floors = (after.floors - before.floors) / steps
        const accuracy = (after.accuracy - before.accuracy) / steps
        if (best === undefined || isBetter({ floors, accuracy }, best))
          best = { job, steps, floors, accuracy }
      }
    }
    if (best === undefined) return { ...allocation, shares, free }
    const { job, steps } = best
    shares[job.stream] = changed(shares[job.stream]!, job.kind, steps)
    free[allocation.pools[job.stream]!]! -= steps
  }
}

/** Gives what is still free to inference, evenly: it helps nobody by the profiles, but covers bursts. */
export function spreadFree(allocation: PooledSteps, streamLimit: number): PooledSteps {
  const shares = [...allocation.shares]
  const free = [...allocation.free]
  free.forEach((steps, pool) => {
    for (let left = steps; left > 0; left--) {
      let to: number | undefined
      shares.forEach((own, stream) => {
        if (allocation.pools[stream] !== pool || sum(own) >= streamLimit) return
        if (to === undefined || own.inference < shares[to]!.inference) to = stream
      })
      if (to === undefined) break
      shares[to] = changed(shares[to]!, 'inference', 1)
      free[pool]! -= 1
    }
  })
  return { ...allocation, shares, free }
}

const sum = (shares: StreamShares): number => shares.inference + shares.training
const same = (a: StreamShares, b: StreamShares): boolean =>
  a.inference === b.inference && a.training === b.training
const changed = (shares: StreamShares, kind: keyof StreamShares, by: number): StreamShares => ({
  ...shares,
  [kind]: shares[kind] + by,
})
