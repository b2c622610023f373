import { expect } from 'chai'
import type { CameraStream, CameraStreamStatus } from '../../api/generated/types.ts'
import { retrainAnnotation, rollbackAnnotation } from '../../api/names.ts'
import type { PlanItem } from '../plan-status.ts'
import { camera, pod, profiled, retrainingWindow, site, trained } from '../testing/site.ts'
import { inference, item, planner, running, training } from '../testing/window.ts'
import { advance } from './phases.ts'
import { streamProjection } from './stream-projection.ts'

const [first, second, third] = ['a', 'b', 'c'].map(letter => letter.repeat(64)) as [string, string, string]
const stream = (
  annotations: Record<string, string>,
  status?: CameraStreamStatus,
  spec: Partial<CameraStream['spec']> = {},
): CameraStream => {
  const base = camera('cam-0', spec)
  return { ...base, metadata: { ...base.metadata, annotations }, ...(status === undefined ? {} : { status }) }
}

describe('a retraining that is asked for', () => {
  /** No training gains as much as that. */
  const retraining = { ...retrainingWindow().spec.retraining, minGain: 0.6 }
  const snapshot = (
    camera0: CameraStream,
    { policy = 'thief', items = [item('cam-0')], phase = 'Retraining' as 'Retraining' | 'Planning' } = {},
  ) =>
    site(
      retrainingWindow(running(phase, items), {
        retraining,
        scheduler: { policy, step: 0.1, options: {} },
      } as never),
      [
        {
          ...inference('cam-0'),
          stream: camera0,
          profile: pod('cam-0', 'profile', { index: 1, result: profiled(1) }),
        },
      ],
      30,
    )
  const asked = stream({ [retrainAnnotation]: 'today' })

  for (const policy of ['thief', 'horizon', 'fair']) {
    it(`is planned by ${policy} in the window that runs, though it is not worth while`, () => {
      const without = advance(snapshot(stream({}), { policy, phase: 'Planning' }), planner)
      expect(without.status.plan?.items[0]).to.include({ state: 'None', trainingShare: 0 })
      const { status, notes } = advance(snapshot(asked, { policy }), planner)
      expect(notes[0]).to.include({ reason: 'Replanned' })
      expect(notes[0]?.message).to.contain('retraining of cam-0 was asked for')
      const planned = status.plan!.items[0]!
      expect(planned).to.include({
        state: 'Planned',
        retrainingConfiguration: 'all-5',
        retrain: 'today',
      })
      expect(planned.trainingShare).to.be.above(0)
      expect(planned.inferenceShare).to.be.above(0)
      expect(planned.reason).to.match(/^retrain all-5 as asked for: 55\.0 → \d\d\.\d % for [\d.]+ GPU-s$/)
      expect(planned.predictedBefore, 'as it is, and not as the policy was told').to.be.within(0.4, 0.55)
      expect(planned.predictedWindow).to.equal(undefined)
    })
  }

  it('is planned once, and waits for the next window where there is nothing to learn from', () => {
    const unprofiled = { ...snapshot(asked) }
    const bare = { ...unprofiled, streams: unprofiled.streams.map(s => ({ ...s, profile: undefined })) }
    const { status } = advance(bare as typeof unprofiled, planner)
    const [waiting] = status.plan!.items
    expect(waiting).to.include({ state: 'None', retrain: 'today' })
    expect(waiting?.reason).to.match(/^retraining was asked for: no retraining: /)
    const next = advance(snapshot(asked, { items: [waiting!] }), planner)
    expect(next.notes).to.deep.equal([])
    const later = advance(snapshot(asked, { phase: 'Planning' }), planner)
    expect(later.status.plan?.items[0]).to.include({ state: 'Planned' })
  })

  for (const { name, items, want } of [
    { name: 'by a training that it began', items: [training('cam-0', { retrain: 'today' })], want: 'today' },
    { name: 'by a training that runs anyway', items: [training('cam-0')], want: 'today' },
    {
      name: 'by the outcome of that',
      items: [training('cam-0', { retrain: 'today', state: 'Rejected' })],
      want: 'today',
    },
    {
      name: 'not by one that ended before',
      items: [training('cam-0', { state: 'Accepted' })],
      want: undefined,
    },
    { name: 'not by a plan alone', items: [item('cam-0', { retrain: 'today' })], want: undefined },
  ]) {
    it(`is answered: ${name}`, () => {
      const { streams, ...rest } = snapshot(asked, { items })
      expect(streamProjection({ streams, ...rest }, streams[0]!, undefined).requests?.retrain).to.equal(want)
    })
  }

  it('is no request once it is answered', () => {
    const done = stream({ [retrainAnnotation]: 'today' }, { requests: { retrain: 'today' } })
    expect(advance(snapshot(done), planner).notes).to.deep.equal([])
  })
})

describe('a rollback', () => {
  const status: CameraStreamStatus = {
    model: {
      uri: `models/default/cam-0/${third}.onnx`,
      digest: third,
      version: third.slice(0, 8),
      accuracy: 0.9,
      trainedInWindow: 4,
      initialUri: 'models/first.onnx',
      initialDigest: first,
    },
    models: [
      { uri: `models/default/cam-0/${third}.onnx`, digest: third, accuracy: 0.9, trainedInWindow: 4 },
      { uri: `models/default/cam-0/${second}.onnx`, digest: second, accuracy: 0.7, trainedInWindow: 2 },
      { uri: 'models/first.onnx', digest: first },
    ],
  }
  const request = `${second}@today`
  const snapshot = (camera0: CameraStream, planned: PlanItem, ended = false) =>
    site(
      retrainingWindow(running('Retraining', [planned], 5)),
      [
        {
          ...inference('cam-0'),
          stream: camera0,
          training: pod<never>('cam-0', 'training', { index: 5, ...(ended ? { result: trained(5) } : {}) }),
        },
      ],
      50,
    )
  const projected = (camera0: CameraStream, planned: PlanItem) => {
    const of = snapshot(camera0, planned)
    return streamProjection(of, of.streams[0]!, undefined)
  }
  const rolledBack = stream({ [rollbackAnnotation]: request }, status)
  const accepted = training('cam-0', {
    state: 'Accepted',
    model: { uri: 'models/default/cam-0/new.onnx', digest: 'd'.repeat(64) },
    accuracyAfter: 0.95,
  })

  it('serves the model that is named, and keeps the one first deployed for comparison', () => {
    const { model, models, requests } = projected(rolledBack, item('cam-0'))
    expect(model).to.deep.equal({
      uri: `models/default/cam-0/${second}.onnx`,
      digest: second,
      version: 'bbbbbbbb',
      accuracy: 0.7,
      trainedInWindow: 2,
      initialUri: 'models/first.onnx',
      initialDigest: first,
    })
    expect(models?.map(({ digest }) => digest)).to.deep.equal([second, third, first])
    expect(requests).to.deep.equal({ rollback: request })
  })

  it('is not undone by a model that was accepted in this window before', () =>
    expect(projected(rolledBack, accepted).model?.digest).to.equal(second))

  it('is not undone by a training that began before', () => {
    const { status: after } = advance(snapshot(rolledBack, training('cam-0'), true), planner)
    expect(after.plan?.items[0]).to.include({ state: 'Failed' })
    expect(after.plan?.items[0]?.reason).to.contain('rolled back to an earlier model')
    expect(after.plan?.items[0]?.model).to.equal(undefined)
  })

  it('gives way to a training that began after it', () => {
    const planned = training('cam-0', { rollback: request })
    const done = stream({ [rollbackAnnotation]: request }, { ...status, requests: { rollback: request } })
    const { status: after } = advance(snapshot(done, planned, true), planner)
    expect(after.plan?.items[0]).to.include({ state: 'Accepted' })
    expect(projected(done, after.plan!.items[0]!).model?.digest).to.equal('abc')
  })

  for (const { name, value } of [
    { name: 'names a model that was never served', value: `${'e'.repeat(64)}@today` },
    { name: 'names no digest', value: 'the one before' },
    { name: 'is empty', value: '' },
  ]) {
    it(`is none when it ${name}`, () => {
      const nothing = stream({ [rollbackAnnotation]: value }, status)
      expect(projected(nothing, item('cam-0')).model?.digest).to.equal(third)
      expect(advance(snapshot(nothing, training('cam-0'), true), planner).status.plan?.items[0]).to.include({
        state: 'Accepted',
      })
    })
  }

  it('has the models of a stream that was served before there was a list', () => {
    const { models: _, ...before } = status
    const { models } = projected(stream({}, before), item('cam-0'))
    expect(models?.map(({ digest }) => digest)).to.deep.equal([third, first])
  })
})
