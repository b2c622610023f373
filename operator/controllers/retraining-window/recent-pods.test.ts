import { expect } from 'chai'
import type { TrainingStatus } from '../../api/worker.ts'
import type { Observation, Pod } from '../../cluster/pod.ts'
import { podSnapshot } from '../../cluster/pod.ts'
import type { SiteSnapshot } from '../../cluster/snapshot.ts'
import { epoch, retrainingWindow, site } from '../testing/site.ts'
import { RecentPods } from './recent-pods.ts'

const pod = (version: number, annotations = {}, uid = 'uid-1'): Pod => ({
  metadata: {
    name: 'cam-0-inference-g2',
    namespace: 'default',
    uid,
    resourceVersion: String(version),
    labels: {
      'ekya.dev/role': 'inference',
      'ekya.dev/stream': 'cam-0',
      'ekya.dev/generation': '2',
      'ekya.dev/retraining-window': 'site-a',
    },
    annotations,
  },
  spec: { containers: [] },
})
/** What the cache shows. */
const showing = (pods: readonly Pod[], seconds = 1): SiteSnapshot => ({
  ...site(retrainingWindow(), [{ name: 'cam-0' }], seconds),
  pods: pods.map(each => podSnapshot(each)!),
})
const seen = (recent: RecentPods, pods: readonly Pod[], seconds = 1) =>
  recent.apply(showing(pods, seconds)).pods.map(({ pod: { metadata }, terminating }) => ({
    version: metadata.resourceVersion,
    terminating,
  }))

describe('RecentPods', () => {
  it('shows a pod that was made before the cache does, and forgets it once the cache has lost it', () => {
    const recent = new RecentPods()
    recent.remember(pod(5), epoch)
    expect(seen(recent, [])).to.deep.equal([{ version: '5', terminating: false }])
    expect(seen(recent, [pod(6)])).to.deep.equal([{ version: '6', terminating: false }])
    expect(seen(recent, [])).to.deep.equal([])
  })

  it('shows what was patched until the cache has it', () => {
    const recent = new RecentPods()
    recent.remember(pod(8, { a: 'b' }), epoch)
    expect(seen(recent, [pod(7)])).to.deep.equal([{ version: '8', terminating: false }])
    expect(seen(recent, [pod(9)])).to.deep.equal([{ version: '9', terminating: false }])
  })

  it('keeps what is known of the worker of a pod that was patched', () => {
    const recent = new RecentPods()
    recent.remember(pod(8), epoch)
    const status = { role: 'training', stream: 'cam-0', phase: 'training' } as unknown as TrainingStatus
    const known: Observation = {
      ...{ status, clockAheadMs: 5_000, trail: [{ at: epoch, phase: 'training', epoch: 1 }] },
      error: { code: 'ShareMismatch', message: 'why' },
    }
    const shown = showing([pod(7)])
    const [patched] = recent.apply({ ...shown, pods: [podSnapshot(pod(7), known)!] }).pods
    expect(patched!.pod.metadata.resourceVersion).to.equal('8')
    expect(patched).to.deep.include(known)
  })

  it('shows a pod that was deleted as one that goes', () => {
    const recent = new RecentPods()
    recent.remember(pod(5), epoch)
    recent.removed('uid-1', epoch)
    expect(seen(recent, [pod(5)])).to.deep.equal([{ version: '5', terminating: true }])
    expect(seen(recent, [pod(1, {}, 'uid-2')])).to.deep.equal([{ version: '1', terminating: false }])
  })

  it('believes the cache again after a while', () => {
    const recent = new RecentPods()
    recent.remember(pod(5), epoch)
    recent.removed('uid-3', epoch)
    expect(seen(recent, [pod(1, {}, 'uid-3')], 31)).to.deep.equal([{ version: '1', terminating: false }])
  })

  it('leaves the pods of other sites out', () => {
    const recent = new RecentPods()
    const { metadata, ...rest } = pod(5)
    recent.remember({ ...rest, metadata: { ...metadata, namespace: 'other' } }, epoch)
    expect(seen(recent, [])).to.deep.equal([])
  })
})
