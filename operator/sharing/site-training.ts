/**
 * How trainings fare on the GPUs of one site, as one answer: a plan reckons with one curve for all.
 *
 * GPUs of several kinds: at each share the slowest of their speeds, since a training that comes too late is worth nothing, and the longest
 * resize. Speeds are relative to each GPU's own whole.
 */
import type { TrainingTraits } from './backend.ts'
import { speedAt } from './throughput-curves.ts'

type Curve = TrainingTraits['throughputCurve']

export function siteTraining(traits: readonly TrainingTraits[]): TrainingTraits {
  const resizeSeconds = Math.max(0, ...traits.map(each => each.resizeSeconds))
  const curve = slowestCurve(traits.map(each => each.throughputCurve))
  return { resizeSeconds, ...(curve === undefined ? {} : { throughputCurve: curve }) }
}

function slowestCurve(curves: readonly Curve[]): Curve {
  if (new Set(curves.map(curve => JSON.stringify(curve))).size <= 1) return curves[0]
  const shares = [...new Set(curves.flatMap(curve => (curve ?? [[1, 1]]).map(([share]) => share)))]
  return shares
    .sort((a, b) => a - b)
    .map(share => [share, Math.min(...curves.map(curve => speedAt(share, curve)))])
}
