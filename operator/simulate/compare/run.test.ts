import { expect } from 'chai'
import { policy } from '../../scheduler/policies/registry.ts'
import { simulate } from '../simulate.ts'
import type { Trace } from '../trace.ts'
import { recordOf } from '../trace-problem.ts'
import { carryOut } from './run.ts'
import { choice, smallSite } from './testing/small.ts'

/** Estimates say that "long" is better; what came of it on most streams says that it is not. */
const trace: Trace = {
  version: 1,
  streams: ['a', 'b', 'c', 'd'].map(name => ({
    name,
    windows: [1, 2].map(() => ({
      accuracyBefore: 0.5,
      retraining: [
        {
          configuration: 'short',
          accuracyAfter: 0.9,
          gpuSeconds: 20,
          estimate: { accuracyAfter: 0.6, gpuSeconds: 20 },
        },
        {
          configuration: 'long',
          accuracyAfter: 0.6,
          gpuSeconds: 22,
          estimate: { accuracyAfter: 0.9, gpuSeconds: 22 },
        },
      ],
    })),
  })),
}

describe('a run of a comparison', () => {
  for (const { name, knowsLeftOut, record } of [
    {
      name: 'knows what came of the streams that it leaves out',
      knowsLeftOut: true,
      record: trace.streams.slice(1),
    },
    { name: 'knows nothing of them where that is asked', knowsLeftOut: false, record: [] },
  ])
    it(name, () => {
      const { knowsLeftOut: _, ...site } = smallSite
      const told = { ...site, gpus: 1, sees: 'estimate', policy: 'horizon' } as const
      const one = { ...trace, streams: trace.streams.slice(0, 1) }
      const want = simulate(one, policy('horizon'), { ...told, record: recordOf(record) })
      const outcome = carryOut(trace, {
        ...smallSite,
        knowsLeftOut,
        experiment: 'grid',
        gpus: 1,
        streams: 1,
        sees: 'estimate',
        policy: choice('horizon'),
      })
      expect(outcome).to.deep.include({ meanAccuracy: want.meanAccuracy })
      expect(want.windows[0]!.streams[0]!.configuration).to.equal(knowsLeftOut ? 'short' : 'long')
    })
})
