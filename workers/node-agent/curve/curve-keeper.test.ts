import { expect } from 'chai'
import { systemClock } from '../../../operator/kube/clock.ts'
import { AgentError } from '../errors.ts'
import type { KnownGpu, ThroughputCurve } from '../inventory.ts'
import type { CurveBook } from './curve-book.ts'
import { CurveKeeper } from './curve-keeper.ts'

const curve: ThroughputCurve = [
  [0.5, 0.72],
  [1, 1],
]
const gpu = (index: number, changes: Partial<KnownGpu> = {}, model = 'NVIDIA L4'): KnownGpu => ({
  gpu: {
    ...{ index, uuid: `GPU-${index}`, model, memoryMiB: 23_034, usedMiB: 0, computeMode: 'Default' },
    ...{ driver: '580.159.04', mig: false, computeCapability: 8.9 },
  },
  daemon: { state: 'ready', servers: [], clients: [] },
  ...changes,
})
const busy = { state: 'ready', servers: [], clients: [{ pid: 1, server: 2, command: 'x' }] } as const
const fault = { state: 'fault', reason: 'x', servers: [], clients: [] } as const

describe('CurveKeeper', () => {
  const events: string[] = []
  let nowMs: number
  let outcomes: (ThroughputCurve | Error)[]
  let kept: Map<string, ThroughputCurve>
  let keeper: CurveKeeper
  let over: () => Promise<void>

  beforeEach(() => {
    events.length = 0
    nowMs = 0
    outcomes = [curve]
    kept = new Map()
    const shown = new Map<string, ThroughputCurve>()
    const book: CurveBook = {
      curve: model => shown.get(model),
      load: async model => {
        const found = kept.get(model)
        if (found) shown.set(model, found)
      },
      keep: async (model, measured) => void shown.set(model, measured),
    }
    let ended = Promise.withResolvers<void>()
    const end = () => {
      ended.resolve()
      ended = Promise.withResolvers<void>()
    }
    over = () => ended.promise
    keeper = new CurveKeeper({
      book,
      clock: { ...systemClock, monotonicMs: () => nowMs },
      measure: async ({ index }) => {
        events.push(`measure ${index}`)
        const outcome = outcomes.shift() ?? new Error('nothing is left')
        if (outcome instanceof Error) throw outcome
        return outcome
      },
      onMeasured: model => {
        events.push(`${model} measured`)
        end()
      },
      onFailed: (_model, error) => {
        events.push((error as Error).message)
        end()
      },
    })
  })
  /** Considers, and lets what that began go on to its end. */
  const consider = async (...gpus: KnownGpu[]) => {
    keeper.consider(gpus)
    for (let turn = 0; turn < 10; turn++) await Promise.resolve()
  }

  it('measures once for a kind of GPU, on the first that is idle', async () => {
    const ended = over()
    await consider(gpu(0, { daemon: busy }), gpu(1, { daemon: fault }), gpu(2, { unsuitable: 'MIG' }), gpu(3))
    await ended
    await consider(gpu(3), gpu(4))
    expect(events).to.deep.equal(['measure 3', 'NVIDIA L4 measured'])
  })

  it('does not measure what an agent before has measured', async () => {
    kept.set('NVIDIA L4', curve)
    await consider(gpu(0))
    await consider(gpu(0))
    expect(events).to.deep.equal([])
  })

  it('measures each kind', async () => {
    outcomes = [curve, curve]
    await consider(gpu(0), gpu(1, {}, 'NVIDIA T4'))
    await consider(gpu(0), gpu(1, {}, 'NVIDIA T4'))
    expect(events).to.deep.equal(['measure 0', 'NVIDIA L4 measured', 'measure 1', 'NVIDIA T4 measured'])
  })

  it('tries again later where somebody came, and not where it would fail again', async () => {
    outcomes = [
      new AgentError('measurement-failed', 'the GPU has 1 MPS clients'),
      new AgentError('measurement-failed', 'no CUDA', { retryable: false }),
    ]
    await consider(gpu(0))
    nowMs = 599_999
    await consider(gpu(0))
    expect(events).to.deep.equal(['measure 0', 'the GPU has 1 MPS clients'])
    nowMs = 600_000
    await consider(gpu(0))
    nowMs = 1e9
    await consider(gpu(0))
    expect(events.slice(2)).to.deep.equal(['measure 0', 'no CUDA'])
  })

  it('begins nothing once it has stopped', async () => {
    await keeper.stop()
    await consider(gpu(0))
    expect(events).to.deep.equal([])
  })
})
