/**
 * Fair: Ekya's uniform baseline. A fixed part of each GPU serves, the rest trains, each split evenly, with one fixed
 * retraining configuration for all streams, whether it ends within the window or not.
 */

import { definePolicy } from '../policy.ts'
import type { StreamProblem } from '../problem.ts'
import { uniformPlan } from '../uniform/uniform.ts'

const defaultInferenceWeight = 0.5

/**
 * Options: `inferenceWeight`, the part of each GPU for inference (default 0.5; on physical GPUs in whole steps, at least one a
 * stream); `configuration`, the retraining configuration (default: of those on offer the middle one by mean GPU-seconds, the
 * cheaper of two). A stream to which it is not on offer, or of which it is predicted to lose accuracy, does not retrain.
 */
export const fair = definePolicy({
  name: 'fair',
  options: {
    inferenceWeight: { type: 'number', minimum: 0, maximum: 1 },
    configuration: { type: 'configuration' },
  },
  plan: (problem, { inferenceWeight = defaultInferenceWeight, configuration }) => {
    const name = configuration ?? middleConfiguration(problem.streams)
    return uniformPlan(problem, {
      policy: 'fair',
      inferencePart: total => total * inferenceWeight,
      pick: options => options.find(option => option.configuration === name),
      ...(name === undefined ? {} : { because: stream => because(stream, name) }),
    })
  },
})

function because(stream: StreamProblem, name: string): string {
  const offered = stream.retraining.some(option => option.configuration === name)
  return offered
    ? `no retraining: policy fair uses ${name}, which is predicted to lose accuracy`
    : `no retraining: policy fair uses ${name}, which is not on offer to this stream`
}

/** The middle one by mean GPU-seconds of all configurations on offer, so that all streams use the same. */
export function middleConfiguration(streams: readonly StreamProblem[]): string | undefined {
  const costs = new Map<string, number[]>()
  for (const stream of streams)
    for (const { configuration, gpuSeconds } of stream.retraining)
      costs.set(configuration, [...(costs.get(configuration) ?? []), gpuSeconds])
  const byCost = [...costs]
    .map(([name, all]) => ({ name, mean: all.reduce((a, b) => a + b, 0) / all.length }))
    .sort((a, b) => a.mean - b.mean || (a.name < b.name ? -1 : 1))
  return byCost[Math.floor((byCost.length - 1) / 2)]?.name
}
