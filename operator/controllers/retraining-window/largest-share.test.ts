/** GPUs of which a pod can hold a slice and no more: what plans give and promise there. */
import { expect } from 'chai'
import { bestInference } from '../../scheduler/inference/inference-quality.ts'
import { cappedTraits } from '../../sharing/throughput-curves.ts'
import { at, gpu, pod, profiled, retrainingWindow, site } from '../testing/site.ts'
import { planner } from '../testing/window.ts'
import { inferenceOptions } from './site-problem.ts'

const slice = 0.25

describe('a plan for GPUs of which a pod can hold a slice', () => {
  for (const policy of ['thief', 'horizon', 'fair'] as const)
    for (const streams of [1, 2])
      it(`gives no pod more and promises no more: ${policy}, ${streams} streams`, () => {
        const window = retrainingWindow(
          { current: { index: 3, phase: 'Planning', startedAt: at(0), endsAt: at(100) } },
          { scheduler: { policy, step: 0.1, options: {} } },
        )
        const members = Array.from({ length: streams }, (_, i) => {
          const name = `cam-${i}`
          // Half a GPU would be needed to analyse every frame.
          const result = profiled(3, { gpuSecondsPerFrame: 0.05 })
          return { name, profile: pod(name, 'profile', { index: 3, result }) }
        })
        const snapshot = {
          ...site(window, members, 20, [{ ...gpu, largestShare: slice, granularity: slice }]),
          training: cappedTraits({ resizeSeconds: 10 }, slice),
        }
        for (const plan of [planner.plan(snapshot), planner.quick(snapshot, false)])
          for (const { inferenceShare, trainingShare = 0 } of plan.items) {
            expect(inferenceShare).to.be.within(0.01, slice)
            expect(trainingShare).to.be.at.most(slice)
          }
        const options = inferenceOptions(snapshot, snapshot.streams[0]!)
        const { factor } = bestInference(options, 1)
        expect(factor).to.equal(bestInference(options, slice).factor)
        expect(factor).to.be.below(
          bestInference(inferenceOptions({ gpus: [gpu] }, snapshot.streams[0]!), 1).factor,
        )
        for (const { state, predictedWindow, predictedBefore, predictedAfter } of planner.plan(snapshot)
          .items) {
          expect(state).to.equal('Planned')
          expect(predictedWindow).to.be.within(predictedBefore! * 0.9, predictedAfter! * factor + 1e-9)
        }
      })
})
