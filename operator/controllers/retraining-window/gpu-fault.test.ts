/** A GPU whose MPS server is in FAULT: none of its clients works any more, and it serves again when the last of them has gone. */
import { expect } from 'chai'
import { fault, faultySite, served, states } from '../testing/faulty-site.ts'
import { at, gpu, pod, retrainingWindow, site } from '../testing/site.ts'
import { swapSiteAt } from '../testing/swap-site.ts'
import { inference, planner, running, training } from '../testing/window.ts'
import { advance } from './phases.ts'
import { mayServe, wantedPods } from './wanted-pods.ts'

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
