/**
 * What may happen on a node while a share is being changed by a new pod, on a real kubelet with our device plugin (recorded stand-ins of
 * nvidia-smi and nvidia-cuda-mps-control): kubelet and node agent are killed, the MPS server faults. The books of the GPU hold at every
 * moment, and the shares get to where they should be.
 */
import { expect } from 'chai'
import { waitFor } from '../hack/testing/wait-for.ts'
import { standbyAnnotation, takeOverAnnotation } from '../operator/api/names.ts'
import type { Pod } from '../operator/cluster/pod.ts'
import { mpsBackend } from '../operator/sharing/backends/mps.ts'
import { defaultGpuOptions } from '../operator/sharing/gpu-options.ts'
import { workerUser } from '../operator/sharing/gpu-share.ts'
import { ResizingSite, readySince, type Shares, streamOf } from './support/resizes.ts'
import { useSite } from './support/site.ts'
import { useStandInGpu } from './support/stand-in-gpu.ts'

const frameRate = 10
const streams = ['cam-0', 'cam-1']
/** In turn, so that each change is one swap, and a grow needs what the shrink before it has left. */
const steps: readonly Shares[] = [
  { 'cam-0': 40, 'cam-1': 40 },
  { 'cam-0': 40, 'cam-1': 60 },
  { 'cam-0': 40, 'cam-1': 40 },
  { 'cam-0': 60, 'cam-1': 40 },
]

interface Moment {
  readonly name: string
  /** Of the pod that is to take over. */
  readonly reached: (next: Pod) => boolean
}

const made: Moment = { name: 'once the new pod has been made', reached: () => true }
const agreed: Moment = {
  name: 'once the frame of the hand-over has been agreed on',
  reached: ({ metadata }) => metadata.annotations?.[takeOverAnnotation] !== undefined,
}

describe('a node in the middle of a swap (stand-ins of nvidia-smi and nvidia-cuda-mps-control)', function () {
  this.timeout(300_000)
  const site = useSite({
    backend: 'mps',
    containers: true,
    storageUser: workerUser,
    operatorArguments: [
      ...['--gpu-runtime-class', 'none'],
      ...['--gpu-pod-cpu', '400m', '--gpu-pod-memory', '400Mi'],
    ],
  })
  const gpu = useStandInGpu(site)
  const shares = new ResizingSite(site, streams, mpsBackend(defaultGpuOptions))
  let wanted = steps.at(-1)!

  before(async () => {
    await shares.begin(frameRate)
    await shares.setShares(wanted)
    await shares.settles(wanted, 'the first shares')
  })

  afterEach(() => {
    expect(shares.most.steady).to.be.at.most(100)
    expect(shares.most.total).to.be.at.most(200)
  })

  after(() => {
    process.stdout.write(
      `      books looked at ${shares.observations} times: at most ${shares.most.steady} units steady, ${shares.most.total} in all\n`,
    )
  })

  /** Begins the next change and resolves at that moment of it, with the pods that served before. */
  async function swapUntil({ name, reached }: Moment): Promise<void> {
    const before = new Set((await shares.pods()).map(({ metadata }) => metadata.uid))
    wanted = steps[(steps.indexOf(wanted) + 1) % steps.length]!
    await shares.setShares(wanted)
    await waitFor(
      async () => {
        await shares.isAt(wanted)
        const next = (await shares.pods()).filter(({ metadata }) => !before.has(metadata.uid))
        return next.some(pod => isSuccessor(pod) && reached(pod))
      },
      { deadlineMs: 60_000, intervalMs: 20, describe: `a swap ${name}` },
    )
  }

  /** Frames that were left out by nobody, and analysed by one. */
  async function expectEveryFrameOnce(): Promise<void> {
    const now = await shares.frameNow(frameRate)
    for (const stream of streams) {
      const account = await shares.account(stream, now)
      expect(account.twice, `${stream}: analysed twice`).to.deep.equal([])
      expect(account.lost, `${stream}: ${JSON.stringify(account)}`).to.deep.equal([])
    }
  }

  for (const moment of [made, agreed]) {
    it(`kubelet is killed ${moment.name}`, async () => {
      await swapUntil(moment)
      const node = site.containers().node()
      // The node's processes are its own, so that no other kubelet of this machine is meant.
      await node.run(['pkill', '-KILL', '-x', 'kubelet'])
      await node.restartKubelet()
      await shares.settles(wanted, 'after kubelet is back')
      await expectEveryFrameOnce()
    })

    it(`the node agent is killed ${moment.name}`, async () => {
      await swapUntil(moment)
      await gpu.agent().end('SIGKILL')
      await gpu.untilUnits(0)
      await shares.isAt(wanted)
      gpu.agent().start()
      await gpu.untilUnits(200)
      await shares.settles(wanted, 'after the agent is back')
      await expectEveryFrameOnce()
    })
  }

  it(`the MPS server faults (stand-in) ${agreed.name}`, async () => {
    await swapUntil(agreed)
    const clients = new Set((await shares.pods()).map(({ metadata }) => metadata.uid))
    const faultAt = await shares.frameNow(frameRate)
    await gpu.fault()
    await gpu.untilReady()
    await shares.settles(wanted, 'after the fault')
    // A fault ends all clients: pods that lived through it would only look as if they worked.
    const pods = await shares.pods()
    expect(pods.filter(({ metadata }) => clients.has(metadata.uid))).to.deep.equal([])
    const now = await shares.frameNow(frameRate)
    for (const pod of pods) {
      const stream = streamOf(pod)
      const { twice, lost } = await shares.account(stream, now)
      const servedAgain = await shares.frameAt(readySince(pod) + 1000, frameRate)
      process.stdout.write(
        `      ${stream}: ${lost.length} frames lost; from the fault to the new pod's being ready there were ${servedAgain - faultAt}\n`,
      )
      expect(twice, `${stream}: analysed twice`).to.deep.equal([])
      // Of the two pods of a hand-over each serves its own frames until it is ended.
      const gaps = lost.filter((frame, i) => frame !== lost[i - 1]! + 1)
      expect(gaps, `${stream}: one gap for each pod of the hand-over`).to.have.length.at.most(2)
      for (const frame of lost) expect(frame, stream).to.be.within(faultAt, servedAgain)
    }
  })
})

const isSuccessor = ({ metadata: { annotations = {} } }: Pod): boolean =>
  annotations[standbyAnnotation] !== undefined
