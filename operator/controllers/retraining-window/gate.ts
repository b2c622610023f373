/**
 * What becomes of a training that ended: its model is taken only if it beats the model in use on the same validation samples by `minGain`.
 * Whatever else happened, the model in use stays.
 */
import type { TrainingResult } from '../../api/worker.ts'
import type { PlanItem } from '../plan-status.ts'

export interface GateOptions {
  /** Smallest gain in validation accuracy, in [0, 1]. */
  readonly minGain: number
  /** Why the pod left no result. */
  readonly failure?: string | undefined
  /** What the pod last told of its cost, which counts where it left no result. */
  readonly gpuSeconds?: number | undefined
}

export type Verdict = Required<Pick<PlanItem, 'state' | 'reason'>> & Partial<PlanItem>

export function gate(
  item: PlanItem,
  result: TrainingResult | undefined,
  { minGain, failure, gpuSeconds = 0 }: GateOptions,
): Verdict {
  const name = item.retrainingConfiguration ?? ''
  if (result === undefined)
    return {
      gpuSeconds: round(gpuSeconds, 2),
      state: 'Failed',
      reason: `${name} failed: ${failure ?? 'no result'}; the model in use stays`,
    }
  const spent = { gpuSeconds: round(result.gpuSeconds, 2) }
  if (result.error?.code === 'Cancelled')
    return {
      ...spent,
      state: 'Unfinished',
      reason: `${name} was stopped after ${result.epochs} epochs; the model in use stays`,
    }
  if (result.error !== undefined)
    return {
      ...spent,
      state: 'Failed',
      reason: `${name} failed: ${result.error.message}; the model in use stays`,
    }
  const { model, validationAccuracy: after, baselineAccuracy: before } = result
  if (model === undefined || after === undefined || before === undefined)
    return {
      ...spent,
      state: 'Failed',
      reason: `${name} failed: its result names no model; the model in use stays`,
    }
  const gain = `${percent(before)} → ${percent(after)} % on validation for ${result.gpuSeconds.toFixed(1)} GPU-s`
  if (after - before < minGain)
    return {
      ...spent,
      state: 'Rejected',
      reason: `${name} rejected: ${gain}, less than the ${percent(minGain)} points asked for`,
    }
  return {
    ...spent,
    state: 'Accepted',
    reason: `${name} accepted: ${gain}`,
    model,
    accuracyBefore: before,
    accuracyAfter: after,
  }
}

const percent = (ratio: number): string => (ratio * 100).toFixed(1)
const round = (value: number, digits: number): number => Number(value.toFixed(digits))
