/** A GPU whose MPS server is in FAULT: none of its clients works any more, and it serves again when the last of them has gone. */
import { expect } from 'chai'
import type { SiteSnapshot } from '../../cluster/snapshot.ts'
import type { SiteGpu } from '../../sharing/backend.ts'
import { fault, faultySite, served, states } from '../testing/faulty-site.ts'
import { at, camera, gpu, pod, retrainingWindow, site } from '../testing/site.ts'
import { swapSiteAt } from '../testing/swap-site.ts'
import { inference, item, planner, running, training } from '../testing/window.ts'
import { advance } from './phases.ts'
import { siteProblem } from './site-problem.ts'
import { mayServe, wantedPods } from './wanted-pods.ts'

const second: SiteGpu = { ...gpu, gpu: '1' }

describe('a GPU with a fault', () => {
  it('is left by all of its pods before any is made again, and its trainings begin again', async () => {
    const site = await faultySite()
    while (site.fault !== undefined) {
      await site.step()
      expect(site.writes.filter(write => write.startsWith('create'))).to.deep.equal([])
    }
    expect([...site.graces.values()], 'nobody waits for what is lost').to.deep.equal([5, 5, 5])
    await site.settle()
    expect(site.held()).to.deep.equal(served)
    expect(site.writes).to.deep.equal([
      'delete a-inference',
      'delete b-inference',
      'status a None, b Planned',
      'delete b-training-0',
      'create a-inference',
      'create b-inference',
      'create b-training-0',
      'status a None, b Training',
    ])
    expect(states(site)).to.deep.equal([
      { stream: 'a', state: 'None', faults: undefined },
      { stream: 'b', state: 'Training', faults: 1 },
    ])
    const told = site.notes.filter(({ reason }) => reason === 'GpuFault')
    expect(told.map(({ stream, message }) => ({ stream, message }))).to.deep.equal([
      {
        stream: undefined,
        message: `GPU edge-0/0: ${fault}; a-inference, b-inference are ended, and pods are made again when it serves`,
      },
      {
        stream: 'b',
        message: `all-5 begins again from its checkpoint when GPU edge-0/0 serves: ${fault}`,
      },
      {
        stream: undefined,
        message: `GPU edge-0/0: ${fault}; b-training-0 are ended, and pods are made again when it serves`,
      },
    ])
  })

  it('takes no pod of a stream along that is only to move there', async () => {
    const site = await swapSiteAt({ b: 40 })
    site.plan({ a: 40, b: 40 }, ['a'])
    await site.settle()
    site.plan({ a: 60, b: 40 })
    site.fault = fault
    while (site.fault !== undefined) await site.step()
    expect(site.held(), 'where it was, as it was').to.deep.equal({ 'a-inference': 40 })
    await site.settle()
    expect(site.held()).to.deep.equal({ 'b-inference': 40, 'a-inference-g2': 60 })
    expect(site.frames('a')).to.deep.equal({ lost: 0, twice: 0 })
  })

  it('gets no stream of a plan as long as another GPU has room, and keeps those that it has', () => {
    const streams = ['cam-0', 'cam-1', 'cam-2'].map(inference)
    const items = [item('cam-0'), item('cam-1', { gpu: '1' })]
    for (const phase of ['Labeling', 'Retraining'] as const)
      for (const policy of ['thief', 'horizon', 'fair'] as const) {
        const window = retrainingWindow(running(phase, items), {
          scheduler: { policy, step: 0.1, options: {} },
        })
        const snapshot = site(window, streams, 45, [{ ...gpu, fault }, second])
        const after = advance(snapshot, planner)
        const placed = after.status.plan!.items.map(({ stream, gpu: on }) => `${stream} on ${on}`)
        expect(placed, `${policy} in ${phase}`).to.deep.equal(['cam-0 on 0', 'cam-1 on 1', 'cam-2 on 1'])
      }
  })

  describe('that lasts', () => {
    const lasting: SiteGpu = { ...gpu, fault, faultLasts: true }
    const settled = (snapshot: SiteSnapshot) => {
      const plans: string[] = []
      let now = snapshot
      for (let i = 0; i < 5; i++) {
        const { status } = advance(now, planner)
        if (status.plan !== now.window.status!.plan)
          plans.push(status.plan!.items.map(({ stream, gpu: on }) => `${stream} on ${on}`).join(', '))
        now = { ...now, window: { ...now.window, status } }
      }
      return plans
    }
    const streams = ['cam-0', 'cam-1', 'cam-2'].map(inference)
    const items = [item('cam-0'), item('cam-1', { gpu: '1' }), item('cam-2')]
    for (const { name, of = streams, gpus, step = 0.1, want } of [
      {
        name: 'has its streams move, once',
        gpus: [lasting, second],
        want: ['cam-0 on 1, cam-1 on 1, cam-2 on 1'],
      },
      { name: 'keeps them for a while', gpus: [{ ...gpu, fault }, second], want: [] },
      {
        name: 'keeps them where no other GPU is there',
        of: [streams[0]!, streams[2]!],
        gpus: [lasting],
        want: [],
      },
      {
        name: 'keeps them where no other GPU serves',
        gpus: [lasting, { ...second, fault }],
        want: [],
      },
      {
        name: 'keeps those for whom others have no step',
        gpus: [lasting, second],
        step: 0.5,
        want: ['cam-0 on 1, cam-1 on 1, cam-2 on 0'],
      },
      {
        name: 'keeps those that may go nowhere else',
        of: [
          { ...inference('cam-0'), stream: camera('cam-0', { nodeSelector: { disk: 'fast' } }) },
          streams[1]!,
          streams[2]!,
        ],
        gpus: [
          { ...lasting, node: 'edge-0', labels: { disk: 'fast' } },
          { ...second, node: 'edge-1' },
        ],
        want: ['cam-0 on 0, cam-1 on 1, cam-2 on 1'],
      },
    ])
      for (const phase of ['Labeling', 'Retraining', 'Completed'] as const)
        it(`${name} (${phase})`, () => {
          const on = (gpuIndex: string) => gpus.find(each => each.gpu === gpuIndex)?.node ?? 'edge-0'
          const planned = items
            .filter(each => of.some(s => s.name === each.stream))
            .map(each => ({ ...each, node: on(each.gpu) }))
          const window = retrainingWindow(running(phase, planned), {
            scheduler: { policy: 'thief', step, options: {} },
          })
          expect(settled(site(window, of, 45, gpus))).to.deep.equal(want)
        })

    it('has them served elsewhere', async () => {
      const site = await faultySite()
      site.faultLasts = true
      await site.settle()
      expect(site.items.map(({ stream, gpu: on }) => `${stream} on ${on}`)).to.deep.equal([
        'a on 1',
        'b on 1',
      ])
      expect(Object.keys(site.held()).toSorted()).to.deep.equal(['a-inference-g2', 'b-inference-g2'])
    })

    it('has a training go on elsewhere that is to begin again', () => {
      const again = training('cam-0', {
        state: 'Planned',
        faults: 1,
        gpuSeconds: 7,
        estimate: { accuracyAfter: 0.9, gpuSeconds: 8 },
      })
      const window = retrainingWindow(running('Retraining', [again]))
      const snapshot = site(window, [inference('cam-0')], 45, [lasting, second])
      expect(siteProblem(snapshot).streams[0]).to.deep.include({
        retraining: [],
        running: { configuration: 'all-5', accuracyAfter: 0.9, gpuSeconds: 7 },
      })
      const [moved] = advance(snapshot, planner).status.plan!.items
      expect(moved).to.include({ gpu: '1', state: 'Planned', faults: 1, retrainingConfiguration: 'all-5' })
    })
  })

  it('gets no training that had two faults in a window: it may be what faults', async () => {
    const site = await faultySite()
    await site.settle()
    site.fault = fault
    await site.settle()
    const [a, b] = site.items
    expect(b).to.include({
      state: 'Failed',
      reason: `all-5 failed: its GPU has a fault again: ${fault}; the model in use stays`,
    })
    expect(a!.inferenceShare + b!.inferenceShare, 'its share is handed on').to.be.closeTo(1, 1e-9)
    expect(Object.keys(site.held()).filter(pod => !pod.includes('-inference'))).to.deep.equal([])
  })

  it('has a training begin again that the fault has ended, and no other that failed', () => {
    const failed = pod<never>('cam-0', 'training', { index: 1, failure: 'ended with exit code 1' })
    const broken = (faults: string | undefined, item: Parameters<typeof training>[1] = {}) =>
      site(
        retrainingWindow(running('Retraining', [training('cam-0', { completesAt: at(90), ...item })])),
        [{ ...inference('cam-0'), training: failed }],
        45,
        [{ ...gpu, ...(faults === undefined ? {} : { fault: faults }) }],
      )
    const stateOf = (snapshot: ReturnType<typeof broken>) =>
      advance(snapshot, planner).status.plan!.items[0]!.state
    const wanted = (snapshot: ReturnType<typeof broken>) =>
      wantedPods(snapshot)
        .filter(mayServe)
        .map(({ name }) => name)
    expect(stateOf(broken(undefined))).to.equal('Failed')
    expect(stateOf(broken(fault))).to.equal('Planned')
    const again = { state: 'Planned', faults: 1 } as const
    expect(wanted(broken(fault, again))).to.deep.equal([])
    expect(stateOf(broken(undefined, again))).to.equal('Planned')
    expect(wanted(broken(undefined, again))).to.deep.equal(['cam-0-inference', 'cam-0-training-1'])
  })
})
