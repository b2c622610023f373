/** GPUs of which a pod can hold a slice and no more: what plans give and promise there. */
import { expect } from 'chai'
import { bestInference, demandShare } from '../../scheduler/inference/inference-quality.ts'
import { cappedTraits } from '../../sharing/throughput-curves.ts'
import { at, camera, gpu, pod, profiled, retrainingWindow, site } from '../testing/site.ts'
import { item, planner } from '../testing/window.ts'
import { inferenceOptions, siteProblem } from './site-problem.ts'

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

describe('a plan for GPUs of which a pod can hold all, and others of which it can hold a slice', () => {
  const whole = { ...gpu, granularity: 0.05 }
  const sliced = { ...gpu, node: 'edge-1', largestShare: slice, granularity: 0.05 }
  // Half a GPU would be needed to analyse every frame.
  const profile = (name: string) => ({
    name,
    profile: pod(name, 'profile', { index: 3, result: profiled(3, { gpuSecondsPerFrame: 0.05 }) }),
  })
  const planned = (
    policy: 'thief' | 'horizon' | 'fair',
    phase: 'Planning' | 'Labeling',
    names: readonly string[],
  ) => {
    const items = names.map(name => item(name, { node: name.startsWith('slice') ? 'edge-1' : 'edge-0' }))
    const window = retrainingWindow(
      {
        current: { index: 3, phase, startedAt: at(0), endsAt: at(100) },
        plan: { window: 3, policy: 'quick', decidedAt: at(0), items },
      },
      { scheduler: { policy, step: 0.05, options: {} } },
    )
    const snapshot = {
      ...site(window, names.map(profile), 20, [whole, sliced]),
      training: cappedTraits({ resizeSeconds: 10 }, slice),
    }
    return phase === 'Planning' ? planner.plan(snapshot) : planner.quick(snapshot, true)
  }

  it('reckons with what a pod can hold of the GPU that a stream is on', () => {
    const snapshot = site(retrainingWindow(), [profile('cam-0')], 20, [whole, sliced])
    const demandOn = (on?: { node: string; gpu: string }) =>
      demandShare(inferenceOptions(snapshot, snapshot.streams[0]!, on))
    expect(demandOn(whole)).to.be.closeTo(0.5, 0.02)
    expect(demandOn(sliced)).to.be.within(0.1, slice)
    expect(demandOn(), 'one that has no GPU yet').to.be.within(0.1, slice)
    expect(demandOn({ node: 'gone', gpu: '0' })).to.be.within(0.1, slice)
  })

  it('lets a stream go to any GPU that may not be where it is any more', () => {
    const streams = [{ ...profile('cam-0'), stream: camera('cam-0', { nodeSelector: { disk: 'fast' } }) }]
    const items = [item('cam-0')]
    const window = retrainingWindow({
      current: { index: 3, phase: 'Planning', startedAt: at(0), endsAt: at(100) },
      plan: { window: 3, policy: 'quick', decidedAt: at(0), items },
    })
    const [problem] = siteProblem(
      site(window, streams, 20, [whole, { ...sliced, labels: { disk: 'fast' } }]),
    ).streams
    expect(problem!.nodes).to.deep.equal(['edge-1'])
    expect(demandShare(problem!.inference)).to.be.within(0.1, slice)
  })

  for (const policy of ['thief', 'horizon', 'fair'] as const)
    it(`moves no stream to where it could hold less than it uses: ${policy}`, () => {
      const { items } = planned(policy, 'Planning', ['cam-0', 'cam-1', 'cam-2', 'slice-0'])
      expect(items.map(({ node }) => node)).to.deep.equal(['edge-0', 'edge-0', 'edge-0', 'edge-1'])
      expect(items[3]!.inferenceShare).to.be.at.most(slice)
    })

  it('gives inference more than a slice where that helps, also before there is a plan', () => {
    const [first] = planned('thief', 'Labeling', ['cam-0', 'slice-0']).items
    expect(first!.inferenceShare).to.be.at.least(0.5)
  })
})
