import { expect } from 'chai'
import type { TrainingStatus } from '../../api/worker.ts'
import { type TrailMark, trailMs, withMark } from '../../cluster/training-trail.ts'
import { epoch as begin, pod, retrainingWindow, site } from '../testing/site.ts'
import { inference, item, planner, running, training } from '../testing/window.ts'
import { advance } from './phases.ts'

type Said = Pick<TrainingStatus, 'phase' | 'epoch' | 'gpuSeconds' | 'workSeconds'>

/** A training of 5 epochs, 8 GPU-seconds and a share of 0.4, at second 200 of a window: 4 s an epoch. */
function window(said: (second: number) => Said, remainingGpuSeconds: number | null = null) {
  let trail: readonly TrailMark[] = []
  for (let second = 0; second <= 200; second++) trail = withMark(trail, said(second), begin + second * 1000)
  const status: TrainingStatus = {
    role: 'training',
    stream: 'cam-0',
    window: 1,
    epochs: 5,
    progress: 0,
    validationAccuracy: null,
    imagesPerSecond: null,
    remainingGpuSeconds,
    ...said(200),
  }
  const runs = { ...pod<never>('cam-0', 'training', { index: 1, status }), trail }
  const plan = running('Retraining', [training('cam-0', { completesAt: undefined }), item('cam-1')])
  return site(
    retrainingWindow({ ...plan, current: { ...plan.current!, endsAt: '2026-01-01T01:00:00Z' } }),
    [{ ...inference('cam-0'), training: runs }, inference('cam-1')],
    200,
  )
}

describe('a training', () => {
  const at = (phase: Said['phase'], epoch: number, workSeconds: number): Said => ({
    ...{ phase, epoch, workSeconds },
    gpuSeconds: workSeconds,
  })
  for (const { name, said, remaining, want } of [
    { name: 'that works is left alone', said: (s: number) => at('training', 0, 0.4 * s), want: undefined },
    {
      name: 'that gets a fifth of its share is slow and not stuck',
      said: (s: number) => at('training', 1, 0.08 * s),
      want: undefined,
    },
    {
      name: 'that ends epochs without any work is left alone',
      said: (s: number) => at('training', Math.floor(s / 50), 1),
      want: undefined,
    },
    {
      name: 'that stood still for less than a minute is left alone',
      said: (s: number) => at('training', 2, Math.min(s, 155) * 0.4),
      want: undefined,
    },
    {
      name: 'whose epochs take long is given as long',
      said: (s: number) => at('training', 2, Math.min(s, 100) * 0.4),
      remaining: 60,
      want: undefined,
    },
    {
      name: 'that stands still is given up',
      said: (s: number) => at('training', 2, Math.min(s, 100) * 0.4),
      want: /^all-5 failed: it has stood still for 6[0-5] s after 2 epochs, where an epoch takes about 4 s; the model in use stays$/,
    },
    {
      name: 'that holds a GPU, whose cost goes on by the clock, is given up',
      said: (s: number) => ({ ...at('training', 2, 3), gpuSeconds: 0.5 * s }),
      want: /^all-5 failed: it has stood still for 6[0-5] s after 2 epochs/,
    },
    {
      name: 'that works as fast as a twentieth of a core lets it is left alone, whatever its share is now',
      said: (s: number) => at('loading', 0, s * 0.05),
      want: undefined,
    },
    {
      name: 'that does not say what it works is left alone',
      said: (s: number) => ({ phase: 'training' as const, epoch: 2, gpuSeconds: Math.min(s, 100) * 0.4 }),
      want: undefined,
    },
    {
      name: 'that answers and loads for ever is given up',
      said: (s: number) => at('loading', 0, s * 0.005),
      want: /stood still for 6[0-5] s while it loads its data/,
    },
    {
      name: 'that is done and writes its model is left alone',
      said: () => at('done', 5, 8),
      want: undefined,
    },
  ])
    it(name, () => {
      const { status, notes } = advance(window(said, remaining ?? null), planner)
      const [first] = status.plan!.items
      if (want === undefined) return expect(first!.state).to.equal('Training')
      expect(first).to.include({ state: 'Failed', trainingShare: 0, gpuSeconds: said(200).gpuSeconds })
      expect(first!.reason).to.match(want)
      expect(notes.map(({ reason }) => reason)).to.deep.equal(['RetrainingFailed'])
    })
})

describe('a trail', () => {
  it('is bounded, and ends with what was said last', () => {
    let trail: readonly TrailMark[] = []
    for (let second = 0; second < 3000; second++)
      trail = withMark(trail, { phase: 'training', epoch: 0, workSeconds: second }, second * 1000)
    expect(trail.at(-1)!.workSeconds).to.equal(2999)
    expect(trail[0]!.at).to.be.at.least(2_999_000 - trailMs)
    expect(trail.length).to.be.within(trailMs / 7000, trailMs / 4000)
  })
})
