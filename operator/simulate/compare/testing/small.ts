/** A small trace and the record of a small comparison, for tests. */
import type { Trace } from '../../trace.ts'
import type { ComparisonOptions } from '../compare.ts'
import type { PolicyChoice } from '../run.ts'

const retraining = [
  { configuration: 'quick', accuracyAfter: 0.8, gpuSeconds: 10 },
  { configuration: 'slow', accuracyAfter: 0.9, gpuSeconds: 60 },
]

/** Three streams over two windows, the last stream over one only. */
export const smallTrace: Trace = {
  version: 1,
  source: 'made up <for tests>',
  inferenceProfile: { maxShare: 0.25, subsampling: [1, 10], accuracyFactor: [1, 0.2] },
  streams: ['a', 'b', 'c'].map((name, i) => ({
    name,
    windows: Array.from({ length: i === 2 ? 1 : 2 }, (_, w) => ({
      accuracyBefore: 0.6 + 0.02 * i + 0.01 * w,
      retraining,
    })),
  })),
}

export const choice = (name: string, options: PolicyChoice['options'] = {}): PolicyChoice => ({
  label: name,
  name,
  options,
})

export const smallSite = {
  windowSeconds: 100,
  step: 0.25,
  delaySeconds: 0,
  resizeSeconds: 0,
  knowsLeftOut: true,
}

export const smallComparison: ComparisonOptions = {
  ...smallSite,
  file: 'small.json',
  gpus: [1, 2],
  streams: [1, 3],
  sees: ['actual', 'estimate'],
  policies: [choice('thief'), choice('none')],
  targets: [0.7],
  seed: 0,
  sensitivity: false,
  jobs: 1,
}
