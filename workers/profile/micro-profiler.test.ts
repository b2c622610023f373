import { expect } from 'chai'
import type { ImageSet } from '../learning/image-set.ts'
import { createTrainer, type Trainer } from '../learning/trainer.ts'
import { smallCnn } from '../models/architectures/small-cnn.ts'
import { random } from '../models/random.ts'
import {
  type MicroProfileRequest,
  microProfile,
  type ProfiledConfiguration,
  sampleSize,
} from './micro-profiler.ts'

const shape = { channels: 3, height: 8, width: 8 }

function images(count: number, seed: number): ImageSet {
  const draw = random(seed, 'images')
  const labels = Int32Array.from({ length: count }, () => draw.integer(3))
  const pixels = Uint8Array.from({ length: count * 192 }, () => draw.integer(255))
  return { count, shape, pixels, labels }
}

const all: ProfiledConfiguration = {
  name: 'all-30',
  epochs: 30,
  batchSize: 16,
  learningRate: 0.02,
  trainableLayers: 'all',
  dataFraction: 1,
}
const head: ProfiledConfiguration = { ...all, name: 'head', trainableLayers: 'head' }

describe('microProfile', () => {
  let trainer: Trainer
  before(async () => {
    trainer = await createTrainer(smallCnn({ classes: 3, seed: 4, widths: [6, 8], shape }))
  })
  after(() => trainer.close())

  /** Counts trainings, each of which takes as many seconds by the meter as it has epochs. */
  const profile = async (
    configurations: readonly ProfiledConfiguration[],
    change: Partial<MicroProfileRequest> = {},
  ) => {
    let [trainings, used] = [0, 0]
    const counting: Trainer = {
      ...trainer,
      train: (request, hooks, signal) => {
        trainings++
        used += request.configuration.epochs
        return trainer.train(request, hooks, signal)
      },
    }
    const profiles = await microProfile(
      {
        trainer: counting,
        configurations,
        microProfiler: { epochs: 3, sampleFraction: 0.5 },
        sample: images(32, 1),
        sampled: 32,
        trainCount: 64,
        validation: images(20, 2),
        startGpuSeconds: 1,
        gpuSecondsPerImage: 0.5,
        cores: 1,
        seed: 1,
        threads: 1,
        gpuSeconds: () => used,
        secondsLeft: () => Number.POSITIVE_INFINITY,
        ...change,
      },
      () => {},
    )
    return { profiles, trainings }
  }

  it('trains once for configurations that differ in epochs and data only, and tells what each costs', async () => {
    const { profiles, trainings } = await profile([
      all,
      { ...all, name: 'all-5', epochs: 5 },
      { ...all, name: 'half', dataFraction: 0.5 },
    ])
    expect(trainings).to.equal(1)
    const by = new Map(profiles.map(each => [each.configuration, each]))
    expect([...by.keys()]).to.have.members(['all-30', 'all-5', 'half'])
    expect(by.get('half')!.points).to.deep.equal(by.get('all-30')!.points)
    expect(by.get('all-5')!.gpuSecondsPerEpoch).to.equal(by.get('all-30')!.gpuSecondsPerEpoch)
    expect(by.get('half')!.gpuSecondsPerEpoch).to.be.below(by.get('all-30')!.gpuSecondsPerEpoch)
    expect(by.get('half')!.setupGpuSeconds).to.be.at.least(1 + 84 * 0.5)
  })

  for (const { name, other } of [
    { name: 'layers', other: head },
    { name: 'learning rate', other: { ...all, name: 'slow', learningRate: 0.01 } },
    { name: 'schedule', other: { ...all, name: 'flat', schedule: 'constant' as const } },
  ])
    it(`trains twice where the ${name} differ`, async () => {
      const { profiles, trainings } = await profile([all, other])
      expect(trainings).to.equal(2)
      expect(profiles.map(each => each.configuration)).to.have.members(['all-30', other.name])
    })

  it('leaves out what the budget does not suffice for, with all that share its training', async () => {
    const { profiles } = await profile([all, { ...all, name: 'half', dataFraction: 0.5 }, head], {
      microProfiler: { epochs: 3, sampleFraction: 0.5, budgetGpuSeconds: 4 },
    })
    expect(profiles.map(each => each.configuration)).to.deep.equal(['head'])
  })

  it('follows the order that it is given, and goes on with what is not in it', async () => {
    const names = async (order: readonly string[], budgetGpuSeconds?: number) => {
      const microProfiler = {
        epochs: 3,
        sampleFraction: 0.5,
        order,
        ...(budgetGpuSeconds && { budgetGpuSeconds }),
      }
      const half = { ...all, name: 'half', dataFraction: 0.5 }
      const { profiles } = await profile([all, half, head], { microProfiler })
      return profiles.map(each => each.configuration)
    }
    expect(await names([])).to.deep.equal(['head', 'half', 'all-30'])
    expect(await names(['all-30'])).to.deep.equal(['all-30', 'half', 'head'])
    expect(await names(['half', 'head', 'all-30'], 4)).to.deep.equal(['half', 'all-30'])
  })

  it('takes more images where layers are frozen, since they cost less', async () => {
    const { profiles } = await profile([all, head], { sampled: 5 })
    const images = (name: string) => 64 * profiles.find(each => each.configuration === name)!.points[0]![0]
    expect(images('all-30')).to.be.closeTo(5, 1e-9)
    expect(images('head')).to.be.closeTo(25, 1e-9)
  })

  it('charges frozen features by the images that a configuration trains on', async () => {
    const telling: Trainer = {
      ...trainer,
      train: async (request, hooks, signal) => ({
        ...(await trainer.train(request, hooks, signal)),
        setupCpuSeconds: 110,
        featureCpuSeconds: 100,
      }),
    }
    const { profiles } = await profile([head, { ...head, name: 'half', dataFraction: 0.5 }], {
      trainer: telling,
      sampled: 5,
      startGpuSeconds: 0,
      gpuSecondsPerImage: 0,
    })
    const setup = (name: string) => profiles.find(each => each.configuration === name)!.setupGpuSeconds
    // 25 images were taken of 64; validating costs next to nothing here.
    expect(setup('head')).to.be.closeTo(10 + (100 * 64) / 25, 1)
    expect(setup('half')).to.be.closeTo(10 + (100 * 32) / 25, 1)
  })

  it('goes on without a configuration whose training diverges', async () => {
    const wild = { ...all, name: 'wild', learningRate: 1e30, schedule: 'constant' as const }
    const { profiles } = await profile([wild, all])
    expect(profiles.map(each => each.configuration)).to.deep.equal(['all-30'])
  })
})

describe('sampleSize', () => {
  for (const { count, fraction, want } of [
    { count: 1000, fraction: 0.1, want: 100 },
    { count: 200, fraction: 0.1, want: 32 },
    { count: 20, fraction: 0.1, want: 20 },
  ])
    it(`takes ${want} of ${count} images at ${fraction}`, () =>
      expect(sampleSize(count, fraction)).to.equal(want))
})
