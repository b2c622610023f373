/**
 * PickConfigs (Ekya, Algorithm 2): the best inference and retraining configuration of each stream at given shares.
 *
 * Streams do not influence each other once shares are fixed, so the choice is made, and remembered, per stream:
 *   1. of the inference configurations that keep a_MIN at the share, the most accurate;
 *   2. of all retraining configurations and ∅, the one with the best mean accuracy over the rest of the window.
 *
 * The paper leaves open what to do when no configuration keeps a_MIN. Here the most accurate serves, and `keepsFloor` says so:
 * an allocation that keeps more (weighted) floors is better than any that keeps fewer.
 */
import { assumedAccuracies, type Outcome, predict, trainable } from './objective.ts'
import type { Problem, RetrainingOption, StreamProblem } from './problem.ts'
import { toShare } from './share-grid.ts'
import type { JobShares } from './timeline.ts'

export interface Choice {
  /** null: ∅. */
  readonly retraining: RetrainingOption | null
  readonly outcome: Outcome
  readonly keepsFloor: boolean
}

/** Steps that a stream's two jobs hold; whole ones, but in a pool, of which Ekya's simulator gives any part. */
export interface StreamShares {
  readonly inference: number
  readonly training: number
}

/** Weighted: floors kept first, then the sum of the accuracies. Compare with `isBetter`. */
export interface Score {
  readonly floors: number
  readonly accuracy: number
}

const epsilon = 1e-9

export const isBetter = (a: Score, b: Score): boolean =>
  a.floors > b.floors + epsilon || (a.floors > b.floors - epsilon && a.accuracy > b.accuracy + epsilon)

export interface Picker {
  pick(stream: number, shares: StreamShares): Choice
  score(stream: number, shares: StreamShares): Score
  total(shares: readonly StreamShares[]): Score
}

/** What comes of a training that somebody else chose. @param accuracy of the model in use, as reckoned with. */
export function fixedChoice(
  problem: Problem,
  stream: StreamProblem,
  accuracy: number,
  shares: JobShares,
  option: RetrainingOption | undefined,
): Choice {
  const training = option !== undefined && shares.training > 0 ? { option, share: shares.training } : null
  const outcome = predict(stream, accuracy, problem, shares.inference, training)
  return {
    retraining: training?.option ?? null,
    outcome,
    keepsFloor: outcome.before >= stream.minAccuracy - epsilon,
  }
}

export function createPicker(problem: Problem): Picker {
  const { streams, step } = problem
  const accuracies = assumedAccuracies(streams)
  const options = streams.map(trainable)
  const remembered = streams.map(() => new Map<string, Choice>())

  const choose = (index: number, shares: StreamShares): Choice => {
    const stream = streams[index]!
    const accuracy = accuracies[index]!
    const inferenceShare = toShare(shares.inference, step)
    const share = toShare(shares.training, step)
    const none = predict(stream, accuracy, problem, inferenceShare, null)
    let [retraining, outcome]: [RetrainingOption | null, Outcome] = [null, none]
    if (shares.training > 0)
      for (const option of options[index]!) {
        const candidate = predict(stream, accuracy, problem, inferenceShare, { option, share })
        if (candidate.mean > outcome.mean + epsilon) [retraining, outcome] = [option, candidate]
      }
    return { retraining, outcome, keepsFloor: none.before >= stream.minAccuracy - epsilon }
  }

  const pick = (index: number, shares: StreamShares): Choice => {
    const key = `${shares.inference}/${shares.training}`
    const known = remembered[index]!.get(key)
    if (known !== undefined) return known
    const choice = choose(index, shares)
    remembered[index]!.set(key, choice)
    return choice
  }

  const score = (index: number, shares: StreamShares): Score => {
    const { outcome, keepsFloor } = pick(index, shares)
    const { weight } = streams[index]!
    return { floors: keepsFloor ? weight : 0, accuracy: weight * outcome.mean }
  }

  const total = (shares: readonly StreamShares[]): Score => {
    let [floors, accuracy] = [0, 0]
    shares.forEach((s, index) => {
      const own = score(index, s)
      floors += own.floors
      accuracy += own.accuracy
    })
    return { floors, accuracy }
  }

  return { pick, score, total }
}
