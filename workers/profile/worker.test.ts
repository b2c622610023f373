import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import type {
  ProfileResult,
  ProfileWorkerConfig,
  RetrainingConfiguration,
} from '../../operator/api/worker.ts'
import { smallCnn } from '../models/architectures/small-cnn.ts'
import { fragileModel } from '../runtime/testing/fragile-model.ts'
import { keepWindow } from '../runtime/testing/kept-window.ts'
import { temporaryFolder } from '../runtime/testing/temporary-folder.ts'
import { startWorker } from '../runtime/testing/worker-harness.ts'
import { ProfileWorker } from './worker.ts'

const classes = ['car', 'truck', 'bus', 'bicycle', 'pedestrian', 'dog']
const tiny = (seed: number, count = classes.length) =>
  smallCnn({ classes: count, seed, widths: [8, 16], shape: { channels: 3, height: 16, width: 16 } })
const all: RetrainingConfiguration = {
  name: 'all',
  epochs: 10,
  batchSize: 16,
  learningRate: 0.05,
  trainableLayers: 'all',
  dataFraction: 1,
}
const head: RetrainingConfiguration = { ...all, name: 'head', trainableLayers: 'head', epochs: 5 }
const half: RetrainingConfiguration = { ...all, name: 'half', dataFraction: 0.5 }

describe('the profile worker', () => {
  const folder = temporaryFolder()

  before(async () => {
    await mkdir(join(folder.path, 'models'))
    await writeFile(join(folder.path, 'models/student.onnx'), tiny(1))
    await writeFile(join(folder.path, 'models/first.onnx'), tiny(2))
    await writeFile(join(folder.path, 'models/three.onnx'), tiny(3, 3))
    await writeFile(join(folder.path, 'models/seven.onnx'), tiny(3, 7))
    await keepWindow({ storage: folder.path, classes, window: 5, samples: 60 })
  })

  const profile = async (change: Partial<ProfileWorkerConfig> = {}) => {
    const config: ProfileWorkerConfig = {
      role: 'profile',
      namespace: 'default',
      stream: 'cam-0',
      classes,
      storage: folder.path,
      device: { kind: 'cpu', cores: 1.5 },
      seed: 1,
      window: 6,
      samplesWindow: 5,
      model: { uri: 'models/student.onnx' },
      initialModel: { uri: 'models/first.onnx' },
      maxSamples: 200,
      microProfiler: { epochs: 3, sampleFraction: 0.5 },
      configurations: [all, head, half],
      historyWindows: 0,
      historyWeight: 1,
      validationFraction: 0.3,
      ...change,
    }
    const worker = await startWorker('profile', config, context => new ProfileWorker(context), folder.path)
    const { code, message, text } = await worker.ended
    expect(Buffer.byteLength(text)).to.be.at.most(4096)
    return { code, result: message as ProfileResult }
  }

  it("labels with the source's own labels, measures and profiles", async () => {
    const { code, result } = await profile()
    expect(code).to.equal(0)
    expect(result).to.include({ kind: 'profile', window: 6, samplesWindow: 5, labelled: 60, refused: 0 })
    expect(result.error).to.equal(undefined)
    expect(result.accuracy!.measured).to.be.within(0.5, 0.9)
    const { independent, ...accuracies } = result.accuracy!
    for (const value of Object.values(accuracies)) expect(value).to.be.within(0, 1)
    expect(independent).to.be.within(10, 60)
    expect(result.coherence).to.have.length(17)
    expect(result.classMix!.reduce((a, b) => a + b)).to.be.closeTo(1, 1e-3)
    expect(result.frames).to.include({ offered: 600 })
    expect(result.gpuSecondsPerFrame).to.equal(0.004)
    const profiles = new Map(result.profiles.map(each => [each.configuration, each]))
    expect([...profiles.keys()].sort()).to.deep.equal(['all', 'half', 'head'])
    for (const { points, gpuSecondsPerEpoch, setupGpuSeconds } of profiles.values()) {
      expect(points).to.have.length(3)
      expect(points[2]![0] / points[0]![0]).to.be.closeTo(3, 0.01)
      expect(gpuSecondsPerEpoch).to.be.within(0, 5)
      expect(setupGpuSeconds).to.be.within(0.01, 60)
    }
    expect(profiles.get('half')!.points).to.deep.equal(profiles.get('all')!.points)
    const labels = (await readFile(join(folder.path, 'samples/default/cam-0/5/labels.csv'), 'utf8')).split(
      '\n',
    )
    expect(labels[0]).to.equal('idx,class,x0,y0,x1,y1,imgpath,frame,served,name')
    expect(labels).to.have.length(62)
  })

  it('labels with the golden model where there is one', async () => {
    const { result } = await profile({
      goldenModel: { uri: 'models/student.onnx' },
      configurations: [],
    })
    expect(result.accuracy!.current).to.equal(1)
    expect(result.profiles).to.deep.equal([])
  })

  it('leaves out what the budget does not reach, the cheapest first', async () => {
    const { result } = await profile({
      microProfiler: { epochs: 3, sampleFraction: 0.5, budgetGpuSeconds: 1e-6 },
    })
    expect(result.profiles.map(({ configuration }) => configuration)).to.deep.equal(['head'])
  })

  it('measures what was served also where no time is left to profile', async () => {
    const { code, result } = await profile({ endsBy: '2000-01-01T00:00:00Z' })
    expect(code).to.equal(0)
    expect(result).to.include({ labelled: 60 })
    expect(result.accuracy!.current).to.be.within(0, 1)
    expect(result.profiles).to.deep.equal([])
  })

  it('leaves out a configuration whose loss diverges', async () => {
    await writeFile(join(folder.path, 'models/fragile.onnx'), fragileModel(classes.length))
    const calm = { ...head, learningRate: 1e-6 }
    const { code, result } = await profile({
      model: { uri: 'models/fragile.onnx' },
      configurations: [calm, { ...all, name: 'wild', learningRate: 10 }],
    })
    expect(code).to.equal(0)
    expect(result.error).to.equal(undefined)
    expect(result.profiles.map(({ configuration }) => configuration)).to.deep.equal(['head'])
  })

  it('counts corrupt images and goes on with the others', async () => {
    await keepWindow({ storage: folder.path, classes, window: 6, samples: 50, corrupt: 4 })
    const { code, result } = await profile({
      window: 7,
      samplesWindow: 6,
      historyWindows: 1,
      configurations: [all],
    })
    expect(code).to.equal(0)
    expect(result).to.include({ labelled: 46, refused: 4 })
    expect(result.profiles).to.have.length(1)
  })

  it('says how many samples there are where they are too few, with what can be measured', async () => {
    await keepWindow({ storage: folder.path, classes, window: 7, samples: 25 })
    const { code, result } = await profile({ window: 8, samplesWindow: 7 })
    expect(code).to.equal(0)
    expect(result.error).to.include({ code: 'TooFewSamples' })
    expect(result.error!.message).to.contain('25 labelled frames; needed are 32')
    expect(result.labelled).to.equal(25)
    expect(result.accuracy).to.be.an('object')
  })

  it('profiles a model that knows the first classes alone', async () => {
    const three = { uri: 'models/three.onnx' }
    const { code, result } = await profile({ model: three, initialModel: three, configurations: [all] })
    expect(code).to.equal(0)
    expect(result.error).to.equal(undefined)
    expect(result.profiles.map(({ configuration }) => configuration)).to.deep.equal(['all'])
    expect(result.accuracy!.current).to.equal(result.accuracy!.initial)
  })

  for (const { name, change, code: want, says, exit } of [
    {
      name: 'a window without samples',
      change: { samplesWindow: 40 },
      code: 'TooFewSamples',
      says: 'frames.csv',
      exit: 0,
    },
    {
      name: 'a missing model',
      change: { model: { uri: 'models/none.onnx' } },
      code: 'ModelNotFound',
      says: 'none.onnx',
      exit: 1,
    },
    {
      name: 'a golden model of other classes',
      change: { goldenModel: { uri: 'models/three.onnx' } },
      code: 'ModelClassesMismatch',
      says: 'three.onnx has 3 outputs but 6 classes',
      exit: 1,
    },
    {
      name: 'a model of more classes',
      change: { model: { uri: 'models/seven.onnx' } },
      code: 'ModelClassesMismatch',
      says: 'seven.onnx has 7 outputs but 6 classes',
      exit: 1,
    },
  ]) {
    it(`reports ${name}`, async () => {
      const { code, result } = await profile(change)
      expect(code).to.equal(exit)
      expect(result.error).to.include({ code: want })
      expect(result.error!.message).to.contain(says)
    })
  }

  it('needs labels from somewhere', async () => {
    await keepWindow({ storage: folder.path, classes, window: 30, samples: 40, unlabelled: true })
    const { result } = await profile({ window: 31, samplesWindow: 30 })
    expect(result.error).to.include({ code: 'LabelsInvalid' })
  })

  it('clears away windows that are no longer trained on', async () => {
    for (const window of [5, 7, 9]) await keepWindow({ storage: folder.path, classes, window, samples: 40 })
    await profile({ window: 10, samplesWindow: 9, configurations: [] })
    const kept = await readdir(join(folder.path, 'samples/default/cam-0'))
    expect(kept.map(Number).sort((a, b) => a - b)).to.deep.equal([7, 9, 30])
  })

  it('tells how the running window goes, where frames of it are kept', async () => {
    await keepWindow({ storage: folder.path, classes, window: 50, samples: 40 })
    const run = () => profile({ window: 51, samplesWindow: 50, configurations: [] })
    expect((await run()).result.soFar).to.equal(undefined)
    await keepWindow({ storage: folder.path, classes, window: 51, samples: 30, corrupt: 2 })
    const { result } = await run()
    expect(result).to.include({ labelled: 40, refused: 0 })
    expect(result.soFar!.labelled).to.equal(28)
    // As it was served: every second frame rightly, the others by the luck of class 0.
    expect(result.soFar!.measured).to.be.within(0.5, 0.9)
    expect(result.soFar!.current).to.be.within(0, 1)
    expect(result.soFar!.expected).to.be.within(0, 1)
    const labels = await readFile(join(folder.path, 'samples/default/cam-0/51/labels.csv'), 'utf8')
    expect(labels.trimEnd().split('\n')).to.have.length(29)
  })

  it('knows classes again in another order, and leaves out labels of those that are gone', async () => {
    const measure = async (change: Partial<ProfileWorkerConfig>) => {
      const { result } = await profile({ configurations: [], window: 61, samplesWindow: 60, ...change })
      const { labelled, refused, accuracy, classMix } = result
      return { labelled, refused, measured: accuracy!.measured, classMix: classMix! }
    }
    await keepWindow({ storage: folder.path, classes, window: 60, samples: 60 })
    const before = await measure({})
    const reordered = await measure({ classes: classes.toReversed() })
    expect(reordered).to.deep.equal({ ...before, classMix: before.classMix.toReversed() })
    const cars = Math.round(before.classMix[0]! * before.labelled)
    expect(cars).to.be.above(0)
    const without = await measure({ classes: ['tram', ...classes.slice(1)] })
    expect(without).to.include({ labelled: before.labelled - cars, refused: cars })
    expect(without.classMix[0]).to.equal(0)
  })

  it('measures the models of the micro-profiles on the running window', async () => {
    await keepWindow({ storage: folder.path, classes, window: 70, samples: 60 })
    const run = async () => {
      const { result } = await profile({ window: 71, samplesWindow: 70 })
      return new Map(result.profiles.map(each => [each.configuration, each.soFar]))
    }
    expect([...(await run()).values()]).to.deep.equal([undefined, undefined, undefined])
    await keepWindow({ storage: folder.path, classes, window: 71, samples: 30 })
    const measured = await run()
    for (const value of measured.values()) expect(value).to.be.within(0, 1)
    expect(measured.get('half')).to.equal(measured.get('all'))
  })
})
