import { expect } from 'chai'
import { gpuAnnotation, nodeAnnotation } from '../../api/names.ts'
import type { TrainingResult } from '../../api/worker.ts'
import { activeStreams, type PodSnapshot } from '../../cluster/snapshot.ts'
import type { SiteGpu } from '../../sharing/backend.ts'
import { at, camera, gpu, pod, retrainingWindow, site, trained } from '../testing/site.ts'
import { surplusPods, wantedPods } from './wanted-pods.ts'

const window = retrainingWindow({
  current: { index: 2, phase: 'Retraining', startedAt: at(0), endsAt: at(100) },
  plan: {
    window: 2,
    policy: 'thief',
    decidedAt: at(0),
    items: [
      {
        stream: 'cam-0',
        node: gpu.node,
        gpu: gpu.gpu,
        inferenceShare: 0.4,
        trainingShare: 0.6,
        inferenceConfiguration: 'every-frame',
        retrainingConfiguration: 'all-5',
        state: 'Training',
      },
    ],
  },
})

describe('wantedPods', () => {
  const sharesOn = (where: SiteGpu) =>
    wantedPods(site(window, [{ name: 'cam-0' }], 10, [where])).map(({ name, share }) => [name, share])

  it('hold what is planned', () =>
    expect(sharesOn(gpu)).to.deep.equal([
      ['cam-0-inference', 0.4],
      ['cam-0-training-2', 0.6],
    ]))

  it('hold no more than one pod can have of the GPU', () =>
    expect(sharesOn({ ...gpu, largestShare: 0.5 })).to.deep.equal([
      ['cam-0-inference', 0.4],
      ['cam-0-training-2', 0.5],
    ]))
})

describe('a stream whose source workers cannot read', () => {
  const stream = camera('cam-0', { source: { video: { uri: 'videos/a.mp4', loop: true } } })
  const other = camera('cam-1')

  it('takes no part', () => {
    const streams = [
      { name: 'cam-0', stream },
      { name: 'cam-1', stream: other },
    ]
    expect(activeStreams(site(window, streams)).map(({ name }) => name)).to.deep.equal(['cam-1'])
  })

  it('has no pods, also where it was planned with another source', () => {
    const serving = pod<never>('cam-0', 'inference')
    const snapshot = site(window, [{ name: 'cam-0', stream, inference: serving }], 10)
    const wanted = wantedPods(snapshot)
    expect(wanted).to.deep.equal([])
    expect(surplusPods(snapshot, wanted).map(({ name }) => name)).to.deep.equal(['cam-0-inference'])
  })
})

describe('a training that was interrupted', () => {
  const error = { code: 'Interrupted', message: 'goes on in another pod' } as const
  const namesWith = (result: TrainingResult) =>
    wantedPods(
      site(window, [{ name: 'cam-0', training: pod<never>('cam-0', 'training', { index: 2, result }) }], 20),
    ).map(({ name }) => name)

  it('is wanted again', () =>
    expect(namesWith(trained(2, { error }))).to.deep.equal(['cam-0-inference', 'cam-0-training-2']))
  it('is not once it has ended', () => expect(namesWith(trained(2))).to.deep.equal(['cam-0-inference']))
})

describe('pods of later generations', () => {
  const onGpu = (index: string, of: PodSnapshot<never>): PodSnapshot<never> => {
    const annotations = { [nodeAnnotation]: gpu.node, [gpuAnnotation]: index }
    return { ...of, pod: { ...of.pod, metadata: { ...of.pod.metadata, annotations } } }
  }
  const later = { ...pod<never>('cam-0', 'inference'), name: 'cam-0-inference-g3', generation: 3 }

  it('have their place as the first has', () => {
    const snapshot = site(window, [{ name: 'cam-0', inference: later }], 20)
    expect(surplusPods(snapshot, wantedPods(snapshot))).to.deep.equal([])
    expect(surplusPods(snapshot, []).map(({ name }) => name)).to.deep.equal(['cam-0-inference-g3'])
  })

  it('are left to those who judge them where they are to take over and were refused', () => {
    const refused = { ...onGpu('0', later), standby: true, rejected: 'UnexpectedAdmissionError: no device' }
    const goes = (...before: PodSnapshot<never>[]) => {
      const alone = site(window, [{ name: 'cam-0', inference: refused }], 20)
      const snapshot = { ...alone, pods: [...before, refused] }
      return surplusPods(snapshot, wantedPods(snapshot)).map(({ name }) => name)
    }
    const first = pod<never>('cam-0', 'inference')
    expect(goes(onGpu('0', first))).to.deep.equal([])
    expect(goes(onGpu('1', first)), 'a move, whose first pod is on another GPU').to.deep.equal([refused.name])
    expect(goes(), 'nobody is left to take over from').to.deep.equal([refused.name])
  })
})

describe('a pod that its node refused', () => {
  const refused = pod<never>('cam-0', 'training', { index: 2 })
  const snapshot = (seconds: number) =>
    site(
      window,
      [
        {
          name: 'cam-0',
          training: {
            ...refused,
            rejected: 'UnexpectedAdmissionError: no such device',
            pod: { ...refused.pod, metadata: { ...refused.pod.metadata, creationTimestamp: at(10) } },
          },
        },
      ],
      seconds,
    )
  const goes = (seconds: number) => surplusPods(snapshot(seconds), wantedPods(snapshot(seconds)))

  it('goes after a moment, and not at once', () => {
    expect(goes(11)).to.have.length(0)
    expect(goes(12)).to.have.length(1)
  })
  it('is still wanted', () =>
    expect(wantedPods(snapshot(12)).map(({ name }) => name)).to.include('cam-0-training-2'))
})
