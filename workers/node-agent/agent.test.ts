import { expect } from 'chai'
import { parseGpuInventory } from '../../operator/api/gpu-inventory.ts'
import { NodeAgent } from './agent.ts'
import type { DaemonReading } from './mps-daemon.ts'
import type { FoundGpu } from './nvidia-smi.ts'

const gpu = (index: number, changes: Partial<FoundGpu> = {}): FoundGpu => ({
  index,
  uuid: `GPU-0000000${index}`,
  model: 'NVIDIA L4',
  memoryMiB: 23_034,
  usedMiB: 0,
  computeMode: 'Default',
  driver: '580.159.04',
  mig: false,
  computeCapability: 8.9,
  ...changes,
})
const ready: DaemonReading = { state: 'ready', servers: [], clients: [] }

/** A node with GPUs whose programs, kubelet and API do as a test says; what the agent does to them is written down. */
class Site {
  /** How many more calls to the outside come back before the agent is killed in the midst of one. */
  callsLeft = Number.POSITIVE_INFINITY
  lastTakesEffect = false
  found = [gpu(0)]
  discoveryFails: string | undefined
  readonly daemons = new Map<string, DaemonReading>()
  allocatable: Record<string, string> = {}
  capacity: Record<string, string> = {}
  annotation: string | undefined
  apiFails: string | undefined
  pluginProblem: string | undefined
  readonly hanging = new Set<number>()
  ending: { readonly uid: string; readonly graceSeconds: number }[] = []
  readonly done: string[] = []
  readonly allocation: 'device-plugin' | 'node-status'
  agent: NodeAgent

  constructor(allocation: 'device-plugin' | 'node-status' = 'device-plugin') {
    this.allocation = allocation
    this.agent = this.newAgent()
  }

  newAgent(): NodeAgent {
    const { allocation } = this
    const call = async <T>(work: () => T): Promise<T> => {
      if (this.callsLeft-- > 0) return work()
      // Killed before the call had its effect, or after it: both are tried.
      if (this.lastTakesEffect && this.callsLeft === -1) work()
      return new Promise(() => {})
    }
    return new NodeAgent(
      {
        discover: () =>
          call(() => {
            if (this.discoveryFails) throw new Error(this.discoveryFails)
            return { gpus: this.found, problems: [] }
          }),
        multiprocessors: () => call(() => 58),
        curve: () => undefined,
        node: {
          read: () =>
            call(() => {
              if (this.apiFails) throw new Error(this.apiFails)
              return { inventory: this.annotation, capacity: this.capacity, allocatable: this.allocatable }
            }),
          writeInventory: text =>
            call(() => {
              this.done.push('annotation')
              this.annotation = text
            }),
          writeCapacity: quantities =>
            call(() => {
              this.done.push(`capacity ${JSON.stringify(quantities)}`)
              this.capacity = { ...this.capacity, ...quantities }
            }),
        },
        daemon: ({ uuid, index }) => {
          const reading = () => this.daemons.get(uuid) ?? ready
          return {
            check: () => call(reading),
            get reading() {
              return reading()
            },
            stop: async () => void this.done.push(`daemon ${index} ends`),
            terminate: async pid => {
              if (this.hanging.has(pid)) throw new Error('it does not answer')
              this.done.push(`client ${pid} ends`)
              return true
            },
          }
        },
        endingPods: () => call(() => this.ending),
        podOf: async pid => `pod-of-${pid}`,
        now: () => 100_000,
        plugin: ({ index }) => {
          if (allocation === 'node-status') return undefined
          const site = this
          return {
            check: () => call(() => {}),
            stop: async () => void this.done.push(`plugin ${index} ends`),
            setHealthy: healthy => void this.done.push(`plugin ${index} ${healthy ? 'well' : 'unwell'}`),
            get problem() {
              return site.pluginProblem
            },
          }
        },
      },
      {
        allocation,
        besideOtherPlugins: false,
        oldestDriver: 550,
        folders: { pipeDirectory: uuid => `/run/ekya/mps/${uuid}` },
        endsBeforeKillMs: 10_000,
      },
    )
  }

  /** What was done in one step. */
  async step(): Promise<readonly string[]> {
    this.done.length = 0
    await this.agent.step()
    return [...this.done]
  }

  published() {
    const { inventory, problems } = parseGpuInventory(this.annotation ?? '')
    expect(problems).to.equal(undefined)
    return inventory!
  }
}

describe('NodeAgent', () => {
  for (const { name, state, ending, want } of [
    {
      name: 'of a pod that is about to be killed',
      state: 'ready',
      ending: 'pod-of-7',
      want: ['client 7 ends'],
    },
    { name: 'of another pod', state: 'ready', ending: 'pod-of-9', want: [] },
    { name: 'of a pod that has time left', state: 'ready', ending: 'pod-of-8', want: [] },
    { name: 'where none works any more', state: 'fault', ending: 'pod-of-7', want: [] },
  ] as const)
    it(`${want.length > 0 ? 'ends' : 'leaves alone'} a client ${name}`, async () => {
      const site = new Site()
      await site.step()
      const clients = [7, 8].map(pid => ({ pid, server: 1, command: 'node' }))
      site.daemons.set(gpu(0).uuid, { state, servers: [], clients })
      site.ending = [{ uid: ending, graceSeconds: ending === 'pod-of-8' ? 30 : 0 }]
      expect((await site.step()).filter(done => done.startsWith('client'))).to.deep.equal(want)
    })

  it('ends the client of one pod although that of another does not answer, and tells of it', async () => {
    const site = new Site()
    await site.step()
    const clients = [7, 8].map(pid => ({ pid, server: 1, command: 'node' }))
    site.daemons.set(gpu(0).uuid, { state: 'ready', servers: [], clients })
    site.ending = [7, 8].map(pid => ({ uid: `pod-of-${pid}`, graceSeconds: 0 }))
    site.hanging.add(7)
    expect(await site.step()).to.include('client 8 ends')
    expect(site.agent.problems.join()).to.contain('PID 7: it does not answer')
  })

  it('publishes its GPUs, and writes nothing while nothing changes', async () => {
    const site = new Site()
    expect(await site.step()).to.deep.equal(['plugin 0 well', 'annotation'])
    expect(site.published()).to.deep.equal({
      version: 1,
      allocation: 'device-plugin',
      driver: '580.159.04',
      gpus: [
        {
          index: 0,
          uuid: 'GPU-00000000',
          model: 'NVIDIA L4',
          memoryMiB: 23_034,
          multiprocessors: 58,
          mig: false,
          pipeDirectory: '/run/ekya/mps/GPU-00000000',
          state: 'ready',
        },
      ],
    })
    expect(await site.step()).to.deep.equal(['plugin 0 well'])
    expect(site.agent.awaiting()).to.deep.equal([])
  })

  it('writes again what somebody took away', async () => {
    const site = new Site()
    await site.step()
    site.annotation = undefined
    expect(await site.step()).to.include('annotation')
  })

  it('takes units back while a server is in FAULT, and gives them again', async () => {
    const site = new Site()
    await site.step()
    site.daemons.set('GPU-00000000', { ...ready, state: 'fault', reason: 'an error of one client' })
    expect(await site.step()).to.deep.equal(['plugin 0 unwell', 'annotation'])
    expect(site.published().gpus[0]).to.include({ state: 'fault', reason: 'an error of one client' })
    expect(site.agent.problems).to.deep.equal(['GPU 0: an error of one client'])
    site.daemons.delete('GPU-00000000')
    expect(await site.step()).to.deep.equal(['plugin 0 well', 'annotation'])
    expect(site.published().gpus[0]).to.include({ state: 'ready' })
  })

  it('tells of a GPU that cannot be shared, starts nothing for it, and shares the other', async () => {
    const site = new Site()
    site.found = [gpu(0, { mig: true }), gpu(1)]
    expect(await site.step()).to.deep.equal(['plugin 1 well', 'annotation'])
    const [first, second] = site.published().gpus
    expect(first)
      .to.include({ state: 'unusable', mig: true })
      .and.have.property('reason')
      .that.matches(/^MIG mode/)
    expect(second).to.include({ state: 'ready' })
  })

  it('leaves a GPU to another plugin, and takes it when that has gone', async () => {
    const site = new Site()
    site.allocatable = { 'nvidia.com/gpu': '1' }
    expect(await site.step()).to.deep.equal(['annotation'])
    expect(site.published().gpus[0]!.reason).to.match(/another device plugin hands out/)
    site.allocatable = { 'nvidia.com/gpu': '0' }
    expect(await site.step()).to.deep.equal(['plugin 0 well', 'annotation'])
  })

  it('takes units back where another plugin comes later, and ends no client', async () => {
    const site = new Site()
    await site.step()
    site.allocatable = { 'nvidia.com/gpu': '1' }
    expect(await site.step()).to.deep.equal(['plugin 0 unwell', 'annotation'])
    expect(site.published().gpus[0]).to.include({ state: 'unusable' })
  })

  it('shares nothing before it knows the Node, and goes on without the API afterwards', async () => {
    const site = new Site()
    site.apiFails = 'connection refused'
    expect(await site.step()).to.deep.equal([])
    expect(site.agent.awaiting()).to.deep.equal(['the Node cannot be read: connection refused'])
    site.apiFails = undefined
    await site.step()
    site.apiFails = 'connection refused'
    site.daemons.set('GPU-00000000', { ...ready, state: 'fault', reason: 'an error' })
    expect(await site.step()).to.deep.equal(['plugin 0 unwell'])
    site.apiFails = undefined
    await site.step()
    expect(site.published().gpus[0]).to.include({ state: 'fault' })
  })

  it('keeps what it has while nvidia-smi fails', async () => {
    const site = new Site()
    await site.step()
    site.discoveryFails = 'nvidia-smi ended with status 9'
    expect(await site.step()).to.deep.equal([])
    expect(site.agent.problems).to.deep.equal(['GPUs cannot be found: nvidia-smi ended with status 9'])
    expect(site.published().gpus).to.have.length(1)
  })

  it('drops a GPU that is gone', async () => {
    const site = new Site()
    site.found = [gpu(0), gpu(1)]
    await site.step()
    site.found = [gpu(0)]
    expect(await site.step()).to.include.members(['plugin 1 ends', 'daemon 1 ends', 'annotation'])
    expect(site.published().gpus.map(({ index }) => index)).to.deep.equal([0])
  })

  it('is not ready while kubelet does not know of the units', async () => {
    const site = new Site()
    site.pluginProblem = 'kubelet is not up'
    await site.step()
    expect(site.agent.awaiting()).to.deep.equal([
      'the device plugin of ekya.dev/gpu0-share: kubelet is not up',
    ])
  })

  it('stops plugins before daemons', async () => {
    const site = new Site()
    site.found = [gpu(0), gpu(1)]
    await site.step()
    site.done.length = 0
    await site.agent.stop()
    expect(site.done).to.deep.equal(['plugin 0 ends', 'plugin 1 ends', 'daemon 0 ends', 'daemon 1 ends'])
  })

  for (const allocation of ['device-plugin', 'node-status'] as const)
    it(`comes to the same end when it is killed in any call, with ${allocation}`, async () => {
      /** Two GPUs, of which one is in FAULT at first and the other MIG; then one is well and the other is gone. */
      const story = async (site: Site, killAt: number) => {
        site.found = [gpu(0), gpu(1, { mig: true })]
        site.daemons.set('GPU-00000000', { ...ready, state: 'fault', reason: 'an error' })
        site.callsLeft = killAt
        const turn = async () => {
          // A call that never comes back holds the step up: that agent is dead, and another one looks.
          const step = site.agent.step().then(() => true)
          const killed = new Promise<boolean>(resolve => setImmediate(() => resolve(false)))
          if (await Promise.race([step, killed])) return
          site.callsLeft = Number.POSITIVE_INFINITY
          site.agent = site.newAgent()
          await site.agent.step()
        }
        await turn()
        site.daemons.delete('GPU-00000000')
        site.found = [gpu(0)]
        await turn()
        return { inventory: site.published(), capacity: site.capacity }
      }
      const want = await story(new Site(allocation), Number.POSITIVE_INFINITY)
      expect(want.inventory.gpus).to.have.length(1)
      let [calls, survived] = [0, false]
      for (; !survived; calls++)
        for (const lastTakesEffect of [false, true]) {
          const site = new Site(allocation)
          site.lastTakesEffect = lastTakesEffect
          expect(await story(site, calls), `killed in call ${calls}`).to.deep.equal(want)
          survived = site.callsLeft >= 0 && site.callsLeft !== Number.POSITIVE_INFINITY
        }
      expect(calls).to.be.above(8)
    })

  describe('without a device plugin', () => {
    it('advertises units in the capacity, once, and again when kubelet has made the Node anew', async () => {
      const site = new Site('node-status')
      expect(await site.step()).to.deep.equal(['annotation', 'capacity {"ekya.dev/gpu0-share":"200"}'])
      expect(await site.step()).to.deep.equal([])
      site.capacity = { cpu: '8' }
      expect(await site.step()).to.deep.equal(['capacity {"ekya.dev/gpu0-share":"200"}'])
      expect(site.published().allocation).to.equal('node-status')
    })

    it('takes back the units of a GPU that is gone', async () => {
      const site = new Site('node-status')
      site.found = [gpu(0), gpu(1)]
      await site.step()
      site.found = [gpu(0)]
      expect(await site.step()).to.include('capacity {"ekya.dev/gpu1-share":"0"}')
      expect(await site.step()).to.deep.equal([])
    })

    it('leaves them in FAULT, and takes them back where nothing serves', async () => {
      const site = new Site('node-status')
      await site.step()
      site.daemons.set('GPU-00000000', { ...ready, state: 'fault', reason: 'an error' })
      expect(await site.step()).to.deep.equal(['annotation'])
      site.daemons.set('GPU-00000000', { ...ready, state: 'failed', reason: 'it has ended' })
      expect(await site.step()).to.deep.equal(['annotation', 'capacity {"ekya.dev/gpu0-share":"0"}'])
    })
  })
})
