import { expect } from 'chai'
import { smallCnn } from '../models/architectures/small-cnn.ts'
import { openClassifier } from '../models/classifier.ts'
import { decodeModel } from '../models/onnx.ts'
import { random } from '../models/random.ts'
import { decodeCheckpoint, encodeCheckpoint } from './checkpoint.ts'
import { concatImages, type ImageSet, weighted } from './image-set.ts'
import { train } from './train.ts'
import { createTrainer } from './trainer.ts'
import type { Checkpoint, TrainingConfiguration, TrainingRequest } from './training.ts'

const shape = { channels: 3, height: 8, width: 8 }
const classes = 3

/** Noise, brighter in the channel that the class names. */
function images(count: number, seed: number): ImageSet {
  const draw = random(seed, 'images')
  const labels = Int32Array.from({ length: count }, () => draw.integer(classes))
  const pixels = Uint8Array.from({ length: count * 192 }, (_, i) => {
    const lit = Math.floor((i % 192) / 64) === labels[Math.floor(i / 192)]
    return Math.min(255, draw.integer(170) + (lit ? 60 : 0))
  })
  return { count, shape, pixels, labels }
}

const model = smallCnn({ classes, seed: 4, widths: [6, 8], shape })
const configuration: TrainingConfiguration = {
  epochs: 4,
  batchSize: 16,
  learningRate: 0.05,
  trainableLayers: 'all',
  dataFraction: 1,
  photometric: 0.1,
  seed: 9,
  threads: 1,
}
const request = (changes: Partial<TrainingConfiguration> = {}): TrainingRequest => ({
  model,
  train: images(60, 1),
  validation: images(40, 2),
  configuration: { ...configuration, ...changes },
})
const codeOf = async (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'no error',
    (error: { code?: string }) => error.code,
  )

describe('train', () => {
  it('learns, and gives back the file whose accuracy it reports', async () => {
    const given = request({ epochs: 8 })
    const outcome = await train(given)
    expect(outcome.bestValidationAccuracy).to.be.greaterThan(outcome.baselineAccuracy).and.greaterThan(0.8)
    const classifier = await openClassifier(outcome.model, 'outcome', { expectedDigest: outcome.digest })
    const found = await classifier.classify(given.validation.pixels, given.validation.count)
    await classifier.close()
    const right = found.filter((label, i) => label === given.validation.labels[i]).length
    expect(right / given.validation.count).to.equal(outcome.bestValidationAccuracy)
    expect(outcome.epochs.map(each => each.epoch)).to.deep.equal([1, 2, 3, 4, 5, 6, 7, 8])
    expect(outcome.samples).to.equal(60)
  })

  it('gives the same file for the same request, and another for another seed', async () => {
    const [first, again, other] = [
      await train(request()),
      await train(request()),
      await train(request({ seed: 10 })),
    ]
    expect(again.digest).to.equal(first.digest)
    expect(other.digest).to.not.equal(first.digest)
  })

  for (const { name, changes } of [
    { name: 'all layers', changes: {} },
    { name: 'the head', changes: { trainableLayers: 'head' } },
    { name: 'the last two layers', changes: { trainableLayers: 2 } },
    { name: 'the head with a hidden layer', changes: { trainableLayers: 'head', hiddenUnits: 12 } },
  ] as const)
    it(`goes on from a checkpoint to the same result: ${name}`, async () => {
      const whole = await train(request(changes))
      const abort = new AbortController()
      let steps = 0
      let saved: Uint8Array | undefined
      const code = await codeOf(
        train(
          request(changes),
          {
            checkpointEverySeconds: 0,
            onCheckpoint: checkpoint => {
              saved = encodeCheckpoint(checkpoint)
              if (++steps === 6) abort.abort()
            },
          },
          abort.signal,
        ),
      )
      expect(code).to.equal('Cancelled')
      expect(steps).to.equal(7)
      const resume = decodeCheckpoint(saved!)
      expect(resume).to.include({ epoch: 1, step: 2 })
      const resumed = await train({ ...request(changes), resume })
      expect(resumed.digest).to.equal(whole.digest)
      expect(resumed.epochs.map(each => each.loss)).to.deep.equal(whole.epochs.map(each => each.loss))
    })

  it('changes nothing below the trained layers', async () => {
    const weights = (bytes: Uint8Array) =>
      new Map(
        decodeModel(bytes).graph.initializer.map(tensor => [
          tensor.name!,
          Buffer.from(tensor.rawData!).toString('hex'),
        ]),
      )
    const [before, after] = [weights(model), weights((await train(request({ trainableLayers: 2 }))).model)]
    const changed = [...before.keys()].filter(name => before.get(name) !== after.get(name))
    expect(changed).to.have.members([
      ...['conv2.weight', 'bn2.scale', 'bn2.bias', 'bn2.mean', 'bn2.var'],
      ...['head.weight', 'head.bias'],
    ])
  })

  it('begins with the same answers behind a wide enough new hidden layer, and keeps it the next time', async () => {
    const first = await train(
      request({ hiddenUnits: 12, trainableLayers: 'head', learningRate: 1e-9, epochs: 1 }),
    )
    expect(first.bestValidationAccuracy).to.equal(first.baselineAccuracy)
    const next = await train({ ...request({ hiddenUnits: 12, epochs: 1 }), model: first.model })
    expect(
      decodeModel(next.model)
        .graph.node.map(node => node.opType)
        .slice(-3),
    ).to.deep.equal(['Gemm', 'Relu', 'Gemm'])
  })

  it('gives the same answers with a wider hidden layer, and learns with a narrower one', async () => {
    const first = await train(request({ hiddenUnits: 12, epochs: 8 }))
    const still = { trainableLayers: 'head', learningRate: 1e-9, epochs: 1 } as const
    const wider = await train({ ...request({ hiddenUnits: 20, ...still }), model: first.model })
    expect(wider.bestValidationAccuracy).to.equal(wider.baselineAccuracy).and.be.greaterThan(0.8)
    const narrower = await train({ ...request({ hiddenUnits: 3, epochs: 8 }), model: wider.model })
    expect(narrower.bestValidationAccuracy).to.be.greaterThan(0.8)
    const widths = [wider, narrower].map(
      ({ model }) =>
        decodeModel(model).graph.initializer.find(({ name }) => name === 'ekya.hidden.weight')!.dims[0],
    )
    expect(widths).to.deep.equal([20, 3])
  })

  for (const { name, changes } of [
    { name: 'all layers', changes: {} },
    { name: 'the head', changes: { trainableLayers: 'head', learningRate: 0.4 } },
    { name: 'a new hidden layer', changes: { hiddenUnits: 12 } },
  ] as const)
    it(`learns a class that the model did not have: ${name}`, async () => {
      const twoClasses = smallCnn({ classes: 2, seed: 4, widths: [6, 8], shape })
      const outcome = await train({ ...request({ epochs: 10, ...changes }), model: twoClasses, classes })
      const third = await openClassifier(outcome.model, 'outcome')
      const { pixels, labels, count } = request().validation
      const found = await third.classify(pixels, count)
      await third.close()
      expect(third.classes).to.equal(3)
      const of = [...labels.keys()].filter(i => labels[i] === 2)
      expect(of.filter(i => found[i] === 2).length / of.length).to.be.greaterThan(0.6)
      expect(outcome.bestValidationAccuracy).to.be.greaterThan(outcome.baselineAccuracy)
    })

  it('refuses fewer classes than the model has', async () => {
    expect(await codeOf(train({ ...request(), classes: 2 }))).to.equal('ConfigInvalid')
  })

  it('stops early when the validation accuracy does not rise', async () => {
    const still = { learningRate: 1e-9, freezeBatchNorm: true }
    const { epochs } = await train(request({ ...still, epochs: 40, earlyStop: 3 }))
    expect(epochs).to.have.length(4)
  })

  it('keeps running statistics on request', async () => {
    const statistics = (bytes: Uint8Array) =>
      decodeModel(bytes)
        .graph.initializer.filter(({ name }) => /\.(mean|var)$/.test(name!))
        .map(tensor => Buffer.from(tensor.rawData!).toString('hex'))
    const { model: frozen } = await train(request({ epochs: 1, freezeBatchNorm: true }))
    expect(statistics(frozen)).to.deep.equal(statistics(model))
    expect(statistics((await train(request({ epochs: 1 }))).model)).to.not.deep.equal(statistics(model))
  })

  it('reports a loss that diverges', async () => {
    expect(await codeOf(train(request({ learningRate: 1e30, schedule: 'constant' })))).to.equal(
      'LossDiverged',
    )
  })

  for (const trainableLayers of ['all', 'head'] as const)
    it(`stops at once when it is cancelled beforehand: ${trainableLayers}`, async () => {
      const steps: number[] = []
      const hooks = { onStep: (done: number) => steps.push(done) }
      const work = train(request({ trainableLayers }), hooks, AbortSignal.abort())
      expect(await codeOf(work)).to.equal('Cancelled')
      // The features of frozen layers come before the first step, and are not computed.
      expect(steps).to.deep.equal(trainableLayers === 'head' ? [] : [0])
    })

  it('stops before it validates, and goes on from there', async () => {
    const stop = new AbortController()
    let resume: Checkpoint | undefined
    const work = train(
      request(),
      {
        onStep: done => {
          if (done === 8) stop.abort()
        },
        onCheckpoint: checkpoint => {
          resume = checkpoint
        },
      },
      stop.signal,
    )
    expect(await codeOf(work)).to.equal('Cancelled')
    expect(resume).to.include({ epoch: 1, step: 4 })
    const whole = await train(request())
    expect((await train({ ...request(), resume })).digest).to.equal(whole.digest)
  })

  it('names every problem of a configuration', async () => {
    const error = await train(
      request({ epochs: 0, batchSize: 1.5, learningRate: -1, dataFraction: 2, trainableLayers: 0 }),
    ).then(
      () => null,
      (reason: Error) => reason,
    )
    expect(error).to.have.property('code', 'ConfigInvalid')
    for (const name of ['epochs', 'batchSize', 'learningRate', 'dataFraction', 'trainableLayers'])
      expect(error!.message).to.contain(`${name} is `)
  })

  for (const { name, changes, want } of [
    { name: 'no images', changes: { train: images(0, 1) }, want: 'TooFewSamples' },
    {
      name: 'a label beyond the classes',
      changes: { validation: { ...images(4, 1), labels: Int32Array.of(0, 1, 3, 0) } },
      want: 'LabelsInvalid',
    },
    {
      name: 'images of another size',
      changes: { train: { ...images(4, 1), shape: { ...shape, width: 4 } } },
      want: 'ConfigInvalid',
    },
    { name: 'an image without weight', changes: { train: weighted(images(4, 1), 0) }, want: 'ConfigInvalid' },
    { name: 'a file that is no model', changes: { model: Uint8Array.of(1, 2, 3) }, want: 'ModelInvalid' },
  ])
    it(`refuses ${name}`, async () =>
      expect(await codeOf(train({ ...request(), ...changes }))).to.equal(want))

  it('follows images the more, the more they weigh', async () => {
    const old = images(60, 1)
    // What the scene showed as one class it shows as the next one now.
    const now = { ...images(30, 5), labels: images(30, 5).labels.map(label => (label + 1) % classes) }
    const validation = { ...images(60, 2), labels: images(60, 2).labels.map(label => (label + 1) % classes) }
    const reached: number[] = []
    for (const weight of [1, 0.3, 0.02]) {
      const given = {
        ...request({ epochs: 6 }),
        train: concatImages([now, weighted(old, weight)]),
        validation,
      }
      reached.push((await train(given)).epochs.at(-1)!.validationAccuracy)
    }
    expect(reached[1]).to.be.greaterThan(reached[0]! + 0.1)
    expect(reached[2]).to.be.at.least(reached[1]!)
  })

  it('takes images of one weight as images without', async () => {
    const given = request({ epochs: 1 })
    const outcome = await train({ ...given, train: weighted(given.train, 0.5) })
    expect(outcome.digest).to.equal((await train(given)).digest)
  })

  it('weighs rare classes up when asked to', async () => {
    const balanced = await train(request({ classBalanced: true, epochs: 1 }))
    const plain = await train(request({ epochs: 1 }))
    expect(balanced.epochs[0]!.loss).to.not.equal(plain.epochs[0]!.loss)
  })
})

describe('createTrainer', () => {
  it('trains several configurations one after the other as if each were alone', async () => {
    const trainer = await createTrainer(model)
    const { train: trained, validation } = request()
    for (const changes of [{}, { learningRate: 0.01 }, { trainableLayers: 'head' as const }, {}]) {
      const alone = await train(request(changes))
      const shared = await trainer.train({
        train: trained,
        validation,
        configuration: { ...configuration, ...changes },
      })
      expect(shared.digest).to.equal(alone.digest)
    }
    await trainer.close()
  })

  it('gives the same file with batches prepared in a thread beside, also after an interruption', async () => {
    const trainer = await createTrainer(model, { prepareAside: true })
    const given = request()
    const stop = new AbortController()
    let resume: Checkpoint | undefined
    const hooks = {
      onStep: (done: number) => {
        if (done === 6) stop.abort()
      },
      onCheckpoint: (checkpoint: Checkpoint) => {
        resume = checkpoint
      },
    }
    expect(await codeOf(trainer.train(given, hooks, stop.signal))).to.equal('Cancelled')
    expect(resume).to.include({ epoch: 1, step: 2 })
    const { digest } = await train(given)
    expect((await trainer.train({ ...given, resume })).digest).to.equal(digest)
    expect((await trainer.train(given)).digest).to.equal(digest)
    await trainer.close()
  })
})

describe('a checkpoint', () => {
  const take = async (): Promise<Checkpoint> => {
    let taken: Checkpoint | undefined
    const stop = new AbortController()
    const hooks = {
      onCheckpoint: (checkpoint: Checkpoint) => {
        taken = checkpoint
        stop.abort()
      },
      checkpointEverySeconds: 0,
    }
    await train(request(), hooks, stop.signal).catch(() => {})
    return taken!
  }

  it('comes back whole from its bytes', async () => {
    const checkpoint = await take()
    expect(decodeCheckpoint(encodeCheckpoint(checkpoint))).to.deep.equal(checkpoint)
  })

  it('stays as it was given while the training goes on', async () => {
    const given: { checkpoint: Checkpoint; bytes: Uint8Array }[] = []
    const onCheckpoint = (checkpoint: Checkpoint) => {
      given.push({ checkpoint, bytes: encodeCheckpoint(checkpoint) })
    }
    await train(request(), { onCheckpoint, checkpointEverySeconds: 0 })
    expect(given).to.have.length.greaterThan(10)
    for (const { checkpoint, bytes } of given) expect(encodeCheckpoint(checkpoint)).to.deep.equal(bytes)
  })

  it('is not changed by the training that goes on from it', async () => {
    const checkpoint = await take()
    const before = encodeCheckpoint(checkpoint)
    await train({ ...request(), resume: checkpoint })
    expect(encodeCheckpoint(checkpoint)).to.deep.equal(before)
  })

  it('is refused when damaged, cut, or of another training', async () => {
    const checkpoint = await take()
    const bytes = encodeCheckpoint(checkpoint)
    const damaged = bytes.with(bytes.length >> 1, bytes[bytes.length >> 1]! ^ 1)
    for (const each of [
      damaged,
      bytes.subarray(0, -9),
      Uint8Array.of(),
      new TextEncoder().encode('x'.repeat(80)),
    ])
      expect(() => decodeCheckpoint(each))
        .to.throw('not usable')
        .with.property('code', 'ConfigInvalid')
    expect(await codeOf(train({ ...request({ seed: 10 }), resume: checkpoint }))).to.equal('ConfigInvalid')
  })
})
