import { expect } from 'chai'
import { smallCnn } from '../models/architectures/small-cnn.ts'
import { openSession, type Session } from '../models/session.ts'
import { checkpointLayout } from './checkpoint-layout.ts'
import type { Features } from './features.ts'
import { features } from './features.ts'
import { holdKernels } from './held-kernels.ts'
import type { ImageSet } from './image-set.ts'
import { type Network, runTraining } from './run.ts'
import { strengthsOf } from './strengths.ts'
import { readStudent } from './student.ts'
import { writeTrainingGraphs } from './training-graph.ts'
import { evaluationInPlace, stepsInPlace } from './weights-in-place.ts'

const shape = { channels: 3, height: 4, width: 4 }
const images = (count: number): ImageSet => ({
  count,
  shape,
  pixels: Uint8Array.from({ length: count * 48 }, (_, i) => (i * 37) % 256),
  labels: Int32Array.from({ length: count }, (_, i) => i % 2),
})
const [train, validation] = [images(8), images(2)]

/** A network that notes when batches are begun and when steps run; `spoil` may make a batch fail. */
async function recorded(spoil: (batch: number) => void = () => {}) {
  const by = { first: 0, strengths: await strengthsOf('cpu') }
  const read = readStudent(smallCnn({ classes: 2, seed: 1, widths: [4], shape }))
  const kernels = await holdKernels(read, by)
  const { student, shapes, intoFile } = kernels
  const graphs = writeTrainingGraphs(student, shapes, by)
  const [step, evaluation] = [await openSession(graphs.step), await openSession(graphs.evaluation)]
  const events: string[] = []
  let [batches, steps] = [0, 0]
  const noted = (set: ImageSet): Features => {
    const inner = features(set, graphs, student.input, null)
    if (set !== train) return inner
    return {
      ...inner,
      async batch(...asked) {
        events.push(`batch ${++batches}`)
        spoil(batches)
        return await inner.batch(...asked)
      },
    }
  }
  const run: Session['run'] = (...asked: [never]) => {
    events.push(`step ${++steps}`)
    return step.run(...asked)
  }
  const network: Network = {
    ...{ student, graphs, intoFile, featuresOf: noted },
    layout: checkpointLayout(read, kernels, graphs),
    steps: stepsInPlace(graphs, { run } as Session),
    evaluation: evaluationInPlace(graphs, evaluation),
    close: async () => {
      await step.release()
      await evaluation.release()
    },
  }
  return { network, events }
}

const request = {
  ...{ train, validation, classes: 2, modelDigest: '', baselineAccuracy: 0.5, begunCpuSeconds: 0 },
  configuration: {
    ...{ epochs: 1, batchSize: 2, learningRate: 0.01, trainableLayers: 'all' as const },
    ...{ dataFraction: 1, seed: 1, threads: 1 },
  },
}
const hooks = { now: () => 0, cpuSeconds: () => 0 }

describe('a training', () => {
  for (const { name, spoilt, abortAfter, want, events } of [
    {
      name: 'begins the next batch before the step of this one',
      events: ['batch 1', 'batch 2', 'step 1', 'batch 3', 'step 2', 'batch 4', 'step 3', 'step 4'],
    },
    {
      name: 'takes the steps before a batch that fails, and fails then',
      spoilt: 3,
      want: 'batch 3 is spoilt',
      events: ['batch 1', 'batch 2', 'step 1', 'batch 3', 'step 2'],
    },
    {
      name: 'takes no further step when it is cancelled, though a batch is ready',
      abortAfter: 2,
      want: 'the training was cancelled',
      events: ['batch 1', 'batch 2', 'step 1', 'batch 3', 'step 2', 'batch 4'],
    },
  ])
    it(name, async () => {
      const { network, events: happened } = await recorded(batch => {
        if (batch === spoilt) throw new Error(`batch ${batch} is spoilt`)
      })
      const stop = new AbortController()
      const onStep = (done: number): void => {
        if (done === abortAfter) stop.abort()
      }
      const outcome = await runTraining(network, request, { ...hooks, onStep }, stop.signal).then(
        () => undefined,
        (error: Error) => error.message,
      )
      await network.close()
      expect(outcome).to.equal(want)
      expect(happened).to.deep.equal(events)
    })
})

describe('the momentum of a training that names none', () => {
  for (const { schedule, momentum } of [
    { schedule: 'one-cycle', momentum: 0.8 },
    { schedule: 'cosine', momentum: 0.9 },
  ] as const)
    it(`is ${momentum} with ${schedule}`, async () => {
      const digests: string[] = []
      for (const named of [{}, { momentum }, { momentum: momentum - 0.1 }]) {
        const { network } = await recorded()
        const configuration = { ...request.configuration, schedule, ...named }
        digests.push((await runTraining(network, { ...request, configuration }, hooks)).digest)
        await network.close()
      }
      const [unnamed, same, other] = digests
      expect(unnamed).to.equal(same).and.not.to.equal(other)
    })
})
