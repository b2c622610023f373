/**
 * One MPS client that trains as a worker does and says how long a step takes: run by the node agent at each share.
 *
 *   node training-client.ts '{"device": "cuda", "seconds": 3, "batchSize": 32, "model": "/file.onnx"}'
 *
 * Prints {"provider": "cuda", "steps": 240, "stepSeconds": 0.0121}; stepSeconds is the median, making the batch included. Images are random.
 */
import { readFile } from 'node:fs/promises'
import { type ImageSet, type ImageShape, imageBytes } from '../../learning/image-set.ts'
import { createTrainer, type Trainer } from '../../learning/trainer.ts'
import { resnet18 } from '../../models/architectures/resnet18.ts'
import { random } from '../../models/random.ts'
import type { Provider } from '../../models/session.ts'

export interface ClientRequest {
  readonly device: Provider
  /** How long steps are taken for. */
  readonly seconds: number
  readonly batchSize: number
  /** ONNX file; absent: a ResNet-18 for 64 × 64 images. */
  readonly model?: string
}

export interface ClientAnswer {
  /** What trained: cuda falls back to cpu. */
  readonly provider: Provider
  readonly steps: number
  readonly stepSeconds: number
}

const defaultShape: ImageShape = { channels: 3, height: 64, width: 64 }
const defaultClasses = 10
/** Of an epoch, which is more than are taken at once, of images for which there is room beside the training. */
const mostSteps = 100
const mostBytes = 128 * 2 ** 20
/** The first steps make room and choose kernels. */
const warmUpSteps = 5

export async function trainingClient({
  device,
  seconds,
  batchSize,
  model,
}: ClientRequest): Promise<ClientAnswer> {
  const bytes =
    model === undefined
      ? resnet18({ classes: defaultClasses, seed: 1, shape: defaultShape })
      : await readFile(model)
  const trainer = await createTrainer(bytes, { device, prepareAside: device === 'cuda' })
  try {
    const times = await stepTimes(trainer, batchSize, seconds)
    const measured = times.slice(warmUpSteps).sort((a, b) => a - b)
    return {
      provider: trainer.provider.provider,
      steps: measured.length,
      stepSeconds: measured[measured.length >> 1]!,
    }
  } finally {
    await trainer.close()
  }
}

export const stepsOfAnEpoch = (batchSize: number, shape: ImageShape): number =>
  Math.max(warmUpSteps, Math.min(mostSteps, Math.floor(mostBytes / (batchSize * imageBytes(shape)))))

/** Of a training that is ended after so many seconds, and a few steps at least. */
async function stepTimes(trainer: Trainer, batchSize: number, seconds: number): Promise<number[]> {
  const times: number[] = []
  const end = new AbortController()
  let [begun, before, at] = [0, 0, 0]
  const count = batchSize * stepsOfAnEpoch(batchSize, trainer.shape)
  const training = trainer.train(
    {
      train: randomImages(count, trainer.shape, trainer.classes),
      validation: randomImages(1, trainer.shape, trainer.classes),
      configuration: {
        ...{ epochs: 100_000, batchSize, learningRate: 1e-4, dataFraction: 1 },
        ...{ trainableLayers: 'all' as const, schedule: 'constant' as const, seed: 1, threads: 1 },
      },
    },
    {
      onStep(done) {
        const now = performance.now()
        if (done === 0) begun = now
        // Several may have been taken at once.
        const steps = done - before
        times.push(...Array.from({ length: steps }, () => (now - at) / 1000 / steps))
        ;[before, at] = [done, now]
        if (now - begun >= seconds * 1000 && times.length > 2 * warmUpSteps) end.abort()
      },
    },
    end.signal,
  )
  await training.catch((error: unknown) => {
    if (!end.signal.aborted) throw error
  })
  return times
}

/** A few images, again and again. */
function randomImages(count: number, shape: ImageShape, classes: number): ImageSet {
  const draw = random(count, 'throughput-curve')
  const size = imageBytes(shape)
  const some = Uint8Array.from({ length: Math.min(count, 64) * size }, () => draw.integer(256))
  const pixels = new Uint8Array(count * size)
  for (let at = 0; at < pixels.length; at += some.length) pixels.set(some.subarray(0, pixels.length - at), at)
  return { count, shape, pixels, labels: Int32Array.from({ length: count }, (_, i) => i % classes) }
}

if (import.meta.main) {
  const answer = await trainingClient(JSON.parse(process.argv[2] ?? '{}') as ClientRequest)
  process.stdout.write(`${JSON.stringify(answer)}\n`)
  process.exit(0)
}
