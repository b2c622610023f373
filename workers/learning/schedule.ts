/** The learning rate over a training, as a factor of the configured one. */
import type { Schedule } from './training.ts'

const warmUp = 0.3
const startFactor = 1 / 25
const endFactor = 1e-4

const between = (from: number, to: number, part: number): number =>
  to + ((from - to) * (1 + Math.cos(Math.PI * part))) / 2

/** @param losses mean training loss of each epoch so far. `at` is the step, from 0 to total − 1. */
export function rateFactor(
  schedule: Schedule,
  at: number,
  total: number,
  losses: readonly number[] = [],
): number {
  const part = total <= 1 ? 0 : at / (total - 1)
  switch (schedule) {
    case 'constant':
      return 1
    case 'step':
      return part < 0.5 ? 1 : part < 0.75 ? 0.1 : 0.01
    case 'plateau':
      return plateauFactor(losses)
    case 'cosine':
      return between(1, 0.01, part)
    case 'one-cycle':
      if (total <= 1) return 1
      return part < warmUp
        ? between(startFactor, 1, part / warmUp)
        : between(1, endFactor, (part - warmUp) / (1 - warmUp))
  }
}

/**
 * With a velocity that remembers ten steps one-cycle overshoots while the rate is high, and which epoch is best is luck: on generated streets
 * the same labels came to accuracies 8 points apart (standard deviation by seed), with .8 to 2.5, and to 4 points more on average
 * (`npm run bench -- short-trainings`). Smith lowers it there as well (arXiv:1803.09820).
 */
export const defaultMomentum = (schedule: Schedule): number => (schedule === 'one-cycle' ? 0.8 : 0.9)

const patience = 3
/** A loss counts as lower when it is by this part of the lowest one. */
const leastGain = 1e-2

/** A tenth for every time that the loss did not fall for more than three epochs, as PyTorch's ReduceLROnPlateau does. */
function plateauFactor(losses: readonly number[]): number {
  let [factor, lowest, waited] = [1, Number.POSITIVE_INFINITY, 0]
  for (const loss of losses) {
    waited = loss < lowest * (1 - leastGain) ? 0 : waited + 1
    lowest = Math.min(lowest, loss)
    if (waited <= patience) continue
    factor /= 10
    waited = 0
  }
  return factor
}
