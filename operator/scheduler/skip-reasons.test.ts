import { expect } from 'chai'
import { type RetrainingFacts, worthTraining } from './skip-reasons.ts'
import { option } from './testing/problems.ts'

const facts = (overrides: Partial<RetrainingFacts> = {}): RetrainingFacts => ({
  suspended: false,
  labelled: 200,
  minimumLabels: 32,
  accuracyNow: 0.7,
  options: [option('head-5', 0.704, 3), option('all-5', 0.8, 12), option('all-30', 0.85, 72)],
  minGain: 0.01,
  remainingSeconds: 40,
  ...overrides,
})

describe('worthTraining', () => {
  const cases: { name: string; given: Partial<RetrainingFacts>; code: string; reason: string }[] = [
    {
      name: 'a suspended stream',
      given: { suspended: true, labelled: 0 },
      code: 'Suspended',
      reason: 'no retraining: the stream is suspended',
    },
    {
      name: 'a stream that was trained',
      given: { trained: 'all-5 was accepted' },
      code: 'AlreadyTrained',
      reason: 'all-5 was accepted',
    },
    {
      name: 'failed profiling',
      given: { profilingFailure: 'labels.csv line 3 has no class' },
      code: 'ProfilingFailed',
      reason: 'no retraining: profiling failed: labels.csv line 3 has no class',
    },
    {
      name: 'missing labels',
      given: { labelled: null },
      code: 'NotProfiled',
      reason: 'no retraining: nothing is labelled yet',
    },
    {
      name: 'too few labels',
      given: { labelled: 7 },
      code: 'TooFewLabels',
      reason: 'no retraining: 7 golden labels, 32 are needed',
    },
    {
      name: 'an unknown accuracy',
      given: { accuracyNow: null },
      code: 'AccuracyUnknown',
      reason: 'no retraining: the accuracy of the model in use is not measured yet',
    },
    {
      name: 'no configuration',
      given: { options: [] },
      code: 'NoConfigurations',
      reason: 'no retraining: no configuration was profiled (too little time, or the loss of each diverged)',
    },
    {
      name: 'a small gain',
      given: { minGain: 0.2 },
      code: 'GainBelowMinimum',
      reason: 'no retraining: best gain 15.0 points (all-30) is below the minimum of 20.0',
    },
    {
      name: 'a loss',
      given: { accuracyNow: 0.9 },
      code: 'GainBelowMinimum',
      reason: 'no retraining: best gain -5.0 points (all-30) is below the minimum of 1.0',
    },
    {
      name: 'too little time',
      given: { remainingSeconds: 8 },
      code: 'TooLittleTime',
      reason:
        'no retraining: the cheapest that gains enough (all-5) needs 12 GPU-s, and the window ends in 8 s',
    },
  ]
  for (const { name, given, code, reason } of cases)
    it(`skips ${name}`, () =>
      expect(worthTraining(facts(given))).to.deep.equal({ options: [], skip: { code, reason } }))

  it('offers what gains enough and can end in time', () =>
    expect(worthTraining(facts())).to.deep.equal({ options: [option('all-5', 0.8, 12)] }))
})
