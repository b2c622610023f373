/** The learning rate over a training, as a factor of the configured one. `at` is the step, from 0 to total − 1. */
import type { Schedule } from './training.ts'

const warmUp = 0.3
const startFactor = 1 / 25
const endFactor = 1e-4

const between = (from: number, to: number, part: number): number =>
  to + ((from - to) * (1 + Math.cos(Math.PI * part))) / 2

export function rateFactor(schedule: Schedule, at: number, total: number): number {
  const part = total <= 1 ? 0 : at / (total - 1)
  switch (schedule) {
    case 'constant':
      return 1
    case 'cosine':
      return between(1, 0.01, part)
    case 'one-cycle':
      if (total <= 1) return 1
      return part < warmUp
        ? between(startFactor, 1, part / warmUp)
        : between(1, endFactor, (part - warmUp) / (1 - warmUp))
  }
}
