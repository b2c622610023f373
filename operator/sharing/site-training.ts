/**
 * How trainings fare on the GPUs of one site, as one answer: a plan reckons with one curve for all.
 *
 * GPUs of several kinds: the mean of their curves, and the longest resize.
 */
import type { TrainingTraits } from './backend.ts'
import { speedAt } from './throughput-curves.ts'

type Curve = TrainingTraits['throughputCurve']

export function siteTraining(traits: readonly TrainingTraits[]): TrainingTraits {
  const resizeSeconds = Math.max(0, ...traits.map(each => each.resizeSeconds))
  const curve = meanCurve(traits.map(each => each.throughputCurve))
  return { resizeSeconds, ...(curve === undefined ? {} : { throughputCurve: curve }) }
}

function meanCurve(curves: readonly Curve[]): Curve {
  if (new Set(curves.map(curve => JSON.stringify(curve))).size <= 1) return curves[0]
  const shares = [...new Set(curves.flatMap(curve => (curve ?? [[1, 1]]).map(([share]) => share)))]
  return shares
    .sort((a, b) => a - b)
    .map(share => [share, curves.reduce((sum, curve) => sum + speedAt(share, curve), 0) / curves.length])
}
