import { expect } from 'chai'
import { upperBound } from './horizon/bound.ts'
import { horizon } from './policies/horizon.ts'
import { option, problem, stream } from './testing/problems.ts'
import { completion } from './timeline.ts'

const at = (from: number, training: number) => ({ from, training, inference: 0.2 })

describe('completion', () => {
  for (const { name, segments, gpuSeconds, rules, want } of [
    { name: 'at the speed of the share', segments: [at(0, 0.5)], gpuSeconds: 10, rules: {}, want: 20 },
    { name: 'over a change', segments: [at(0, 0.5), at(10, 1)], gpuSeconds: 10, rules: {}, want: 15 },
    {
      name: 'after standing still in a resize',
      segments: [at(0, 0.5), at(10, 1)],
      gpuSeconds: 10,
      rules: { resizeSeconds: 2 },
      want: 17,
    },
    { name: 'not beyond the end', segments: [at(0, 0.1)], gpuSeconds: 20, rules: {}, want: null },
    { name: 'at the end', segments: [at(0, 0.1)], gpuSeconds: 10, rules: {}, want: 100 },
    { name: 'not without a share', segments: [at(0, 0)], gpuSeconds: 0, rules: {}, want: null },
    {
      name: 'at once, where there is nothing to do',
      segments: [at(0, 0.5), at(0, 0)],
      gpuSeconds: 0,
      rules: {},
      want: 0,
    },
    {
      name: 'not by a share from after the end',
      segments: [at(0, 0), at(101, 1)],
      gpuSeconds: 0,
      rules: {},
      want: null,
    },
  ])
    it(name, () =>
      expect(completion(segments, gpuSeconds, { remainingSeconds: 100, ...rules })).to.equal(want),
    )
})

describe('upperBound', () => {
  for (const averaging of ['time', 'samples'] as const)
    it(`is not exceeded by a training that takes no time (${averaging})`, () => {
      const given = problem({
        averaging,
        streams: [stream('a', { accuracyNow: 0.1, retraining: [option('all-5', 1, 0)] })],
      })
      expect(upperBound(given)).to.be.at.least(horizon.plan(given, {}).predictedAccuracy! - 1e-9)
    })
})
