import { mkdir, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { pino } from 'pino'
import { samplesFolder } from '../../operator/api/storage.ts'
import type {
  ProfileResult,
  ProfileWorkerConfig,
  TrainingResult,
  TrainingStatus,
  TrainingWorkerConfig,
} from '../../operator/api/worker.ts'
import { loadImages } from '../frames/images.ts'
import { smallCnn } from '../models/architectures/small-cnn.ts'
import { loadClassifier } from '../models/classifier.ts'
import { ProfileWorker } from '../profile/worker.ts'
import { readLabels } from '../runtime/labelled-data.ts'
import { fragileModel } from '../runtime/testing/fragile-model.ts'
import { keepWindow } from '../runtime/testing/kept-window.ts'
import { temporaryFolder } from '../runtime/testing/temporary-folder.ts'
import { type RunningWorker, startWorker } from '../runtime/testing/worker-harness.ts'
import { TrainingWorker } from './worker.ts'

const classes = ['car', 'truck', 'bus', 'bicycle', 'pedestrian', 'dog']

describe('the training worker', () => {
  const folder = temporaryFolder()
  let profiled: ProfileResult
  const common = () =>
    ({
      namespace: 'default',
      stream: 'cam-0',
      classes,
      storage: folder.path,
      device: { kind: 'cpu', cores: 1.5 },
      seed: 1,
      model: { uri: 'models/student.onnx' },
      validationFraction: 0.3,
    }) as const

  before(async function () {
    this.timeout(30_000)
    await mkdir(join(folder.path, 'models'))
    const shape = { channels: 3, height: 16, width: 16 }
    await writeFile(
      join(folder.path, 'models/student.onnx'),
      smallCnn({ classes: 6, seed: 1, widths: [8, 16], shape }),
    )
    for (const window of [0, 1]) {
      await keepWindow({ storage: folder.path, classes, window, samples: 80 })
      profiled = await profile(window)
    }
  })

  const profile = async (samplesWindow: number): Promise<ProfileResult> => {
    const config: ProfileWorkerConfig = {
      role: 'profile',
      ...common(),
      window: samplesWindow + 1,
      samplesWindow,
      initialModel: { uri: 'models/student.onnx' },
      maxSamples: 200,
      microProfiler: { epochs: 2, sampleFraction: 0.5 },
      configurations: [],
      historyWindows: 2,
      historyWeight: 1,
    }
    const worker = await startWorker('profile', config, context => new ProfileWorker(context), folder.path)
    return (await worker.ended).message as ProfileResult
  }
  const trainingConfig = (
    change: Partial<TrainingWorkerConfig> = {},
    knobs: Partial<TrainingWorkerConfig['configuration']> = {},
  ): TrainingWorkerConfig => ({
    role: 'training',
    ...common(),
    window: 2,
    samplesWindows: [1, 0],
    historyWeight: 1,
    checkpointEverySeconds: 60,
    configuration: {
      name: 'all',
      epochs: 8,
      batchSize: 16,
      learningRate: 0.05,
      trainableLayers: 'all',
      dataFraction: 1,
      ...knobs,
    },
    ...change,
  })
  const start = (...args: Parameters<typeof trainingConfig>) =>
    startWorker('training', trainingConfig(...args), context => new TrainingWorker(context), folder.path)
  /** A training that is asked to end after `epochs`; with its status at that moment. */
  const interrupted = async (epochs: number) => {
    const worker: { running?: RunningWorker; status?: TrainingStatus } = {}
    worker.running = await startWorker(
      'training',
      trainingConfig(),
      context => {
        const training = new TrainingWorker({ ...context, log: pino({}, { write: onEpoch }) })
        function onEpoch(line: string): void {
          if ((JSON.parse(line) as { epoch?: number }).epoch !== epochs) return
          worker.status = training.status()
          worker.running?.terminate()
        }
        return training
      },
      folder.path,
    )
    return { ...(await ended(worker.running)), status: worker.status! }
  }
  const ended = async (worker: Awaited<ReturnType<typeof start>>) => {
    const { code, message } = await worker.ended
    return { code, result: message as TrainingResult }
  }
  const checkpoints = () => readdir(join(folder.path, 'checkpoints/default/cam-0')).catch(() => [])

  const newest = async () => (await readLabels(trainingConfig(), 1)).samples

  let reference: TrainingResult

  it('leaves the best model, its accuracy and what it cost', async () => {
    const { code, result } = await ended(await start())
    reference = result
    expect(code).to.equal(0)
    expect(result).to.include({ kind: 'training', window: 2, configuration: 'all', epochs: 8, refused: 0 })
    expect(result.samples).to.be.within(100, 140)
    expect(result.validationAccuracy).to.be.above(result.baselineAccuracy! + 0.1)
    expect(result.bestEpoch).to.be.within(1, 8)
    expect(result.gpuSeconds).to.be.above(0)
    expect(result.peakMemoryBytes).to.be.above(10e6)
    expect(result.model!.uri).to.equal(`models/default/cam-0/${result.model!.digest}.onnx`)
    const model = await loadClassifier(join(folder.path, result.model!.uri), {
      expectedDigest: result.model!.digest,
    })
    expect(model.classes).to.equal(6)
    await model.close()
    const manifest = JSON.parse(
      await readFile(join(folder.path, 'models/default/cam-0/manifest.json'), 'utf8'),
    )
    expect(manifest.models[0]).to.include({ digest: result.model!.digest, window: 2, configuration: 'all' })
    expect(await checkpoints()).to.deep.equal([])
  })

  it('gives a model that knows the first classes alone outputs for the others', async () => {
    const shape = { channels: 3, height: 16, width: 16 }
    const known = smallCnn({ classes: 3, seed: 1, widths: [8, 16], shape })
    await writeFile(join(folder.path, 'models/three.onnx'), known)
    const { code, result } = await ended(await start({ model: { uri: 'models/three.onnx' } }, { epochs: 30 }))
    expect(code).to.equal(0)
    expect(result.validationAccuracy).to.be.above(result.baselineAccuracy! + 0.1)
    const model = await loadClassifier(join(folder.path, result.model!.uri))
    const { images } = await loadImages(await newest(), shape)
    const found = await model.classify(images.pixels, images.count)
    await model.close()
    expect(model.classes).to.equal(classes.length)
    expect(
      Array.from(found).filter((label, i) => label >= 3 && label === images.labels[i]),
    ).to.have.length.above(5)
  })

  it('validates on the same images as the profile', () => {
    expect(reference.baselineAccuracy).to.be.closeTo(profiled.accuracy!.validation, 1e-4)
  })

  it('asked to end, saves its state; the next pod goes on and ends with the same model', async () => {
    const { code, result, status } = await interrupted(2)
    expect(status).to.include({ phase: 'training', epoch: 2, epochs: 8 })
    expect(status.progress).to.be.within(0.25, 0.375)
    expect(status.remainingGpuSeconds).to.be.above(0)
    expect(code).to.equal(0)
    expect(result.error).to.include({ code: 'Cancelled' })
    expect(result.model).to.equal(undefined)
    expect(await checkpoints()).to.deep.equal(['2.ckpt'])

    const second = await start()
    const again = await ended(second)
    expect(again.result.error).to.equal(undefined)
    expect(again.result.model).to.deep.equal(reference.model)
    expect(again.result.epochs).to.equal(8)
    expect(await checkpoints()).to.deep.equal([])
  })

  it('interrupted for another pod, says so; that one goes on and counts what was spent', async () => {
    const first = await start()
    await first.until<TrainingStatus>('/status', ({ epoch }) => epoch >= 1)
    expect((await first.post('/interrupt', '')).status).to.equal(200)
    const { code, result } = await ended(first)
    expect(code).to.equal(0)
    expect(result.error).to.include({ code: 'Interrupted' })
    expect(result.gpuSeconds).to.be.above(0)

    const spent = { gpuSeconds: 100 + result.gpuSeconds, seconds: 1000 }
    const again = await ended(await start({ spent }))
    expect(again.result.model).to.deep.equal(reference.model)
    expect(again.result.gpuSeconds).to.be.above(spent.gpuSeconds)
    expect(again.result.seconds).to.be.above(1000)
  })

  for (const { name, spoil, knobs } of [
    { name: 'damaged', spoil: (file: string) => truncate(file, 1000), knobs: {} },
    { name: 'of another configuration', spoil: async () => {}, knobs: { learningRate: 0.04 } },
  ]) {
    it(`begins anew where the checkpoint is ${name}`, async () => {
      await interrupted(1)
      const file = join(folder.path, 'checkpoints/default/cam-0/2.ckpt')
      expect((await stat(file)).size).to.be.above(1000)
      await spoil(file)
      const { code, result } = await ended(await start({}, knobs))
      expect(code).to.equal(0)
      expect(result.error).to.equal(undefined)
      if (name === 'damaged') expect(result.model).to.deep.equal(reference.model)
    })
  }

  it('keeps the model in use where the loss diverges', async () => {
    await writeFile(join(folder.path, 'models/fragile.onnx'), fragileModel(classes.length))
    const worker = await start({ model: { uri: 'models/fragile.onnx' } }, { learningRate: 10, epochs: 30 })
    const { code, result } = await ended(worker)
    expect(code).to.equal(0)
    expect(result.error).to.include({ code: 'LossDiverged' })
    expect(result.model).to.equal(undefined)
  })

  for (const { name, change, want, says } of [
    {
      name: 'a window without labels',
      change: { samplesWindows: [17] },
      want: 'SourceNotFound',
      says: 'labels.csv',
    },
    {
      name: 'a missing model',
      change: { model: { uri: 'models/none.onnx' } },
      want: 'ModelNotFound',
      says: 'none.onnx',
    },
    {
      name: 'a model with another digest',
      change: { model: { uri: 'models/student.onnx', digest: 'b'.repeat(64) } },
      want: 'ModelDigestMismatch',
      says: 'student.onnx has the digest',
    },
  ]) {
    it(`reports ${name}`, async () => {
      const { code, result } = await ended(await start(change))
      expect(code).to.equal(1)
      expect(result.error).to.include({ code: want })
      expect(result.error!.message).to.contain(says)
    })
  }

  it('goes on without a window of the history that is gone', async () => {
    await rm(join(folder.path, samplesFolder('default', 'cam-0', 0)), { recursive: true })
    const { result } = await ended(await start({ samplesWindows: [1, 0] }, { epochs: 1 }))
    expect(result.error).to.equal(undefined)
    expect(result.samples).to.be.within(45, 65)
  })

  it('validates on what the profile has labelled of the running window', async () => {
    await keepWindow({ storage: folder.path, classes, window: 2, samples: 30 })
    const { accuracy, soFar } = await profile(1)
    expect(soFar!.labelled).to.equal(30)
    const { result } = await ended(await start({}, { epochs: 1 }))
    expect(result.baselineAccuracy).to.be.closeTo(accuracy!.validation, 1e-9)
    // More than the 24 that are wanted: nothing of the last window is kept out of training.
    expect(result.samples).to.equal(80)
  })
})
