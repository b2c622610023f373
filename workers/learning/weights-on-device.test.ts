import { expect } from 'chai'
import { smallCnn } from '../models/architectures/small-cnn.ts'
import {
  decodeModel,
  encodeModel,
  floatTensor,
  floatValue,
  floatValues,
  model as modelOf,
  node,
} from '../models/onnx.ts'
import { random } from '../models/random.ts'
import { floats, type Session, type Tensor } from '../models/session.ts'
import { normal } from './gradients/gradient-check.ts'
import { type ImageSet, weighted } from './image-set.ts'
import { cudaStrengths } from './strengths.ts'
import { createTrainer } from './trainer.ts'
import type { Checkpoint, TrainingConfiguration, TrainingHooks } from './training.ts'
import type { TrainingGraphs } from './training-graph.ts'
import { stepsOnDevice } from './weights-on-device.ts'
import { wire } from './wire.ts'

const shape = { channels: 3, height: 8, width: 8 }
const classes = 3

function images(count: number, seed: number): ImageSet {
  const draw = random(seed, 'images')
  return {
    count,
    shape,
    pixels: Uint8Array.from({ length: count * 192 }, () => draw.integer(256)),
    labels: Int32Array.from({ length: count }, () => draw.integer(classes)),
  }
}

const model = smallCnn({ classes, seed: 4, widths: [6, 8], shape })
const configuration: TrainingConfiguration = {
  ...{ epochs: 3, batchSize: 16, learningRate: 0.02, trainableLayers: 'all' },
  ...{ dataFraction: 1, photometric: 0.1, seed: 9, threads: 1 },
}
/** 13, 13, 12 and 12 images a batch. */
const request = { train: images(50, 1), validation: images(40, 2) }

/** With graphs as for a GPU, which the CPU provider runs as well. */
async function trained(
  device: boolean,
  changes: Partial<TrainingConfiguration> = {},
  { bytes = model, ...given }: Partial<typeof request> & { resume?: Checkpoint; bytes?: Uint8Array } = {},
  hooks: TrainingHooks = {},
  signal?: AbortSignal,
) {
  const trainer = await createTrainer(bytes, device ? { strengths: cudaStrengths } : {})
  try {
    return await trainer.train(
      { ...request, ...given, configuration: { ...configuration, ...changes } },
      hooks,
      signal,
    )
  } finally {
    await trainer.close()
  }
}

/** Its checkpoint after some of 12 steps. */
async function interrupted(device: boolean, bytes: Uint8Array, changes: Partial<TrainingConfiguration> = {}) {
  const abort = new AbortController()
  let [checkpoint, steps]: [Checkpoint | undefined, number] = [undefined, 0]
  const hooks: TrainingHooks = {
    onStep: done => {
      steps = done
      if (done >= 6) abort.abort()
    },
    onCheckpoint: taken => {
      checkpoint = taken
    },
  }
  const message = await messageOf(trained(device, changes, { bytes }, hooks, abort.signal))
  expect(message).to.equal('the training was cancelled')
  return { checkpoint: checkpoint!, steps }
}

const weightsOf = (bytes: Uint8Array): number[] =>
  decodeModel(bytes)
    .graph.initializer.filter(tensor => tensor.dataType === 1)
    .flatMap(tensor => [...floatValues(tensor)])

const messageOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'no error',
    (error: Error) => error.message,
  )

interface Case {
  readonly name: string
  readonly changes?: Partial<TrainingConfiguration>
  readonly given?: Partial<typeof request> & { readonly bytes?: Uint8Array }
}

/** In which nodes are written as later opsets have them no longer. */
function ofOpset(version: number): Uint8Array {
  const draw = random(version, 'weights')
  const drawn = (name: string, dims: readonly number[], size: number) =>
    floatTensor(
      name,
      dims,
      Array.from({ length: size }, () => draw.normal() * 0.5),
    )
  const graph = {
    ...{ name: 'older', input: [floatValue('x', ['N', 3, 8, 8])], output: [floatValue('y', ['N', classes])] },
    node: [
      node('Conv', ['x', 'v', 'b'], ['c']),
      node('ReduceMean', ['c'], ['m'], { axes: [2, 3], keepdims: 0 }),
      node('Gemm', ['m', 'h', 'k'], ['y']),
    ],
    initializer: [
      ...[drawn('v', [6, 3, 3, 3], 162), drawn('b', [6], 6)],
      ...[drawn('h', [6, classes], 6 * classes), drawn('k', [classes], classes)],
    ],
  }
  return encodeModel({ ...modelOf(graph), opsetImport: [{ version }] })
}

/** Of kernels on larger maps a CPU has channels last; of those that meet few places both have a part. */
const heldOtherwise = (() => {
  const [draw, pads] = [random(5, 'weights'), [1, 1, 1, 1]]
  const kernel = (name: string, channels: number) =>
    normal(draw, name, [16, channels, 3, 3], channels ** -0.5 / 3)
  return encodeModel(
    modelOf({
      ...{
        name: 'held',
        input: [floatValue('x', ['N', 3, 8, 8])],
        output: [floatValue('y', ['N', classes])],
      },
      node: [
        node('Conv', ['x', 'a'], ['8x8'], { pads }),
        node('Conv', ['8x8', 'b'], ['4x4'], { pads, strides: [2, 2] }),
        node('Relu', ['4x4'], ['positive']),
        node('Conv', ['positive', 'c'], ['1x1'], { pads, strides: [4, 4] }),
        node('Conv', ['1x1', 'd'], ['z'], { pads }),
        node('Flatten', ['z'], ['f']),
        node('Gemm', ['f', 'h', 'k'], ['y']),
      ],
      initializer: [
        ...[kernel('a', 3), kernel('b', 16), kernel('c', 16), kernel('d', 16)],
        ...[normal(draw, 'h', [16, classes], 0.5), normal(draw, 'k', [classes], 0.5)],
      ],
    }),
  )
})()

const cases: readonly Case[] = [
  ...(['constant', 'step', 'cosine', 'one-cycle', 'plateau'] as const).map(schedule => ({
    name: `schedule ${schedule}`,
    changes: { schedule } as const,
  })),
  { name: 'neither momentum nor decay', changes: { momentum: 0, weightDecay: 0 } },
  { name: 'strong decay', changes: { weightDecay: 0.1, momentum: 0.5 } },
  { name: 'the head', changes: { trainableLayers: 'head' } },
  { name: 'the last two layers', changes: { trainableLayers: 2 } },
  { name: 'a hidden layer', changes: { trainableLayers: 'head', hiddenUnits: 12 } },
  { name: 'frozen statistics', changes: { freezeBatchNorm: true } },
  { name: 'batches of one size', changes: { batchSize: 10 } },
  { name: 'one batch an epoch', changes: { batchSize: 50 } },
  { name: 'classes weighed alike', changes: { classBalanced: true, balancedSampling: true } },
  { name: 'images that count less', given: { train: weighted(request.train, 0.5) } },
  { name: 'more than a batch to judge', given: { validation: images(70, 3) } },
  ...[13, 17].map(opset => ({ name: `a model of opset ${opset}`, given: { bytes: ofOpset(opset) } })),
]

describe('many steps at once', () => {
  for (const { name, changes = {}, given = {} } of cases)
    it(`come to what one after the other come to: ${name}`, async () => {
      const want = await trained(false, changes, given)
      const found = await trained(true, changes, given)
      expect(found.baselineAccuracy).to.equal(want.baselineAccuracy)
      expect(found.epochs).to.have.length(want.epochs.length)
      for (const [i, epoch] of found.epochs.entries()) {
        expect(epoch.loss).to.be.closeTo(want.epochs[i]!.loss, 1e-4)
        expect(epoch.trainAccuracy).to.equal(want.epochs[i]!.trainAccuracy)
        expect(epoch.validationAccuracy).to.equal(want.epochs[i]!.validationAccuracy)
      }
      const weights = weightsOf(want.model)
      for (const [i, weight] of weightsOf(found.model).entries())
        expect(Math.abs(weight - weights[i]!)).to.be.lessThan(1e-4)
    })

  for (const { name, bytes } of [
    { name: 'kernels as in the file', bytes: model },
    { name: 'kernels held otherwise', bytes: heldOtherwise },
  ])
    it(`go on from a checkpoint to the same result, bit by bit: ${name}`, async () => {
      const whole = await trained(true, {}, { bytes })
      const { checkpoint, steps } = await interrupted(true, bytes)
      expect(checkpoint.epoch * 4 + checkpoint.step).to.equal(steps)
      const resumed = await trained(true, {}, { bytes, resume: checkpoint })
      expect(resumed.digest).to.equal(whole.digest)
    })

  for (const { name, device } of [
    { name: 'from a CPU to a GPU', device: true },
    { name: 'from a GPU to a CPU', device: false },
  ])
    it(`go on where kernels are held in another way: ${name}`, async () => {
      const changes = { weightDecay: 0.1 }
      const want = await trained(device, changes, { bytes: heldOtherwise })
      const { checkpoint } = await interrupted(!device, heldOtherwise, changes)
      const found = await trained(device, changes, { bytes: heldOtherwise, resume: checkpoint })
      const weights = weightsOf(want.model)
      for (const [i, weight] of weightsOf(found.model).entries())
        expect(Math.abs(weight - weights[i]!)).to.be.lessThan(1e-4)
    })

  it('end at the first loss that is no number, and name its step', async () => {
    const changes = { learningRate: 1e30, schedule: 'constant' as const, epochs: 5 }
    const want = await messageOf(trained(false, changes))
    expect(want).to.match(/^the loss became \S+ in step \d of epoch 1/)
    expect((await messageOf(trained(true, changes))).replace(/became \S+/, '')).to.equal(
      want.replace(/became \S+/, ''),
    )
  })
})

const slot = { name: 'w', dims: [1], offset: 0, size: 1 }
const graphs: TrainingGraphs = {
  ...{ frozen: null, step: new Uint8Array(), evaluation: new Uint8Array(), logits: 'y' },
  ...{ parameters: [slot], statistics: [] },
  boundary: [{ name: 'x', dims: [2 ** 14] }],
}
const weights = {
  ...{ parameters: Float32Array.of(1), velocity: Float32Array.of(0), statistics: new Float32Array() },
}
const rates = { learningRate: 0.1, momentum: 0.9, weightDecay: 0, keep: 0.9 }

describe('what steps write', () => {
  const bufferOf = ({ data }: Tensor): unknown => (data as Float32Array).buffer

  it('is never what they read, also where the caller keeps the weights in one object', async () => {
    const used: [read: unknown, written: unknown][] = []
    const run = async (feeds: Record<string, Tensor>, fetches: Record<string, Tensor | null>) => {
      const part = Object.keys(feeds).find(name => name.startsWith('ekya.parameters/'))!
      used.push([bufferOf(feeds[part]!), bufferOf(fetches[wire.after(part)]!)])
      const one = floats(new Float32Array(1), [1])
      return { [wire.many(wire.loss)]: one, [wire.many('y')]: one }
    }
    const steps = stepsOnDevice(graphs, async () => ({ run, release: async () => {} }) as unknown as Session)
    const state = { ...weights }
    const feeds = { [wire.targets]: floats(new Float32Array(1), [1, 1]) }
    for (let i = 0; i < 4; i++) Object.assign(state, (await steps.take(state, feeds, [rates])).weights)
    for (const [read, written] of used) expect(read).to.not.equal(written)
    expect(new Set(used.flat()), 'two of each are enough').to.have.property('size', 2)
  })
})

describe('how many steps are taken at once', () => {
  /**
   * Steps of which each takes `seconds`, and every run `more`, the first one of a session a minute. Runs of more than `room` sessions' memory fail.
   */
  function timed(seconds: number, { more = 0, room = 2 } = {}) {
    let clock = 0
    const open: number[] = []
    const opening = async (): Promise<Session> => {
      const id = open.length === 0 ? 1 : Math.max(...open) + 1
      open.push(id)
      let runs = 0
      const run = async (feeds: Record<string, Tensor>) => {
        if (open.length > room) throw new Error('out of memory')
        const [steps] = feeds[wire.many(wire.rate)]!.dims as [number]
        clock += seconds * steps + (runs++ === 0 ? 60 : more)
        return {
          [wire.many(wire.loss)]: floats(new Float32Array(steps), [steps]),
          [wire.many('y')]: floats(new Float32Array(steps), [steps, 1, 1]),
        }
      }
      const release = async () => void open.splice(open.indexOf(id), 1)
      return { run, release } as unknown as Session
    }
    const steps = stepsOnDevice(graphs, opening, () => clock)
    const take = async (images: number): Promise<number> => {
      const count = steps.atOnce(images)
      const feeds = {
        x: floats(new Float32Array(count * images * 2 ** 14), [count * images, 2 ** 14]),
        [wire.targets]: floats(new Float32Array(count * images), [count * images, 1]),
      }
      await steps.take(weights, feeds, new Array(count).fill(rates))
      return count
    }
    return { take, open, close: () => steps.close() }
  }

  for (const { name, seconds, more, images, want } of [
    { name: 'as fit into a quarter of a second', seconds: 0.0625, images: 4, want: [1, 1, 4, 4] },
    {
      name: 'as fit beside what a run takes for itself, and at most eight times as many as before',
      ...{ seconds: 0.0078125, more: 0.125, images: 4, want: [1, 1, 2, 16, 16] },
    },
    { name: 'one where it takes longer', seconds: 0.8, images: 4, want: [1, 1, 1, 1] },
    { name: 'as fit into 64 MiB', seconds: 0.001, images: 32, want: [1, 1, 8, 32, 32] },
  ])
    it(`is ${name}`, async () => {
      const { take } = timed(seconds, { more: more ?? 0 })
      const found = []
      for (const _ of want) found.push(await take(images))
      expect(found).to.deep.equal(want)
    })

  it('goes on with one session for all sizes where there is no memory for two, and fails without any for one', async () => {
    const { take, open } = timed(0.1, { room: 1 })
    const found = []
    for (const images of [4, 3, 4]) found.push(await take(images))
    expect(found).to.deep.equal([1, 1, 1])
    expect(open).to.deep.equal([2])
    expect(await messageOf(timed(0.1, { room: 0 }).take(4))).to.equal('out of memory')
  })

  it('is known of each size of batches, which has a session of its own; two are kept', async () => {
    const { take, open, close } = timed(0.1)
    const found = []
    for (const images of [4, 4, 3, 3, 4, 3, 2]) found.push(await take(images))
    expect(found).to.deep.equal([1, 1, 1, 1, 2, 2, 1])
    expect(open).to.deep.equal([2, 3])
    await close()
    expect(open).to.deep.equal([])
  })
})
