/**
 * Are trainings on CUDA those of the CPU? node hack/gpu/same-trainings.ts [NAME…]
 *
 * Trains students of `ekya model build` on generated streets, on both, and prints how far the losses of each epoch are apart, relative to the CPU's. Set
 * NVIDIA_TF32_OVERRIDE=0, or the GPU multiplies with fewer digits. Fails where a loss is off by more than `tolerance`, and where CUDA is not used.
 */
import { selectImages } from '../../workers/learning/image-set.ts'
import { createTrainer } from '../../workers/learning/trainer.ts'
import { architectures } from '../../workers/models/architectures/registry.ts'
import type { Provider } from '../../workers/models/session.ts'
import { manyStreets, sceneImages } from '../models/scene-images.ts'

const tolerance = 1e-2
const shape = { channels: 3, height: 32, width: 32 }
const known = Object.keys(architectures)
const names = process.argv.length > 2 ? process.argv.slice(2) : known
const strange = names.filter(name => !known.includes(name))
if (strange.length > 0) {
  console.error(`${strange.join(', ')}: accepted are ${known.join(', ')}`)
  process.exit(2)
}
const images = sceneImages(
  manyStreets('street', 1, { streets: 10, perStreet: 12, horizonSeconds: 300 }),
  shape,
)
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i)
// 31 and 32 to a batch: both sizes are met.
const [train, validation] = [selectImages(images, range(0, 95)), selectImages(images, range(95, 120))]

async function losses(name: string, device: Provider, trainableLayers: 'all' | 'head' | number) {
  const trainer = await createTrainer(architectures[name]!({ classes: 6, seed: 1, shape }), {
    device,
    threads: 2,
  })
  try {
    if (trainer.provider.provider !== device) throw new Error(trainer.provider.reason)
    const { epochs } = await trainer.train({
      train,
      validation,
      configuration: {
        ...{ epochs: 2, batchSize: 32, learningRate: 0.002, momentum: 0.9, trainableLayers },
        ...{ schedule: 'constant', dataFraction: 1, seed: 1, threads: 2 },
      },
    })
    return epochs
  } finally {
    await trainer.close()
  }
}

for (const name of names)
  for (const layers of ['all', 'head', 2] as const) {
    const [want, got] = [await losses(name, 'cpu', layers), await losses(name, 'cuda', layers)]
    const apart = want.map(({ loss }, i) => Math.abs(got[i]!.loss - loss) / loss)
    const both = want.map(({ loss }, i) => `${loss.toFixed(6)} ${got[i]!.loss.toFixed(6)}`)
    console.log(
      `${name} ${layers}: ${both.join(', ')}; apart ${apart.map(x => x.toExponential(1)).join(', ')}`,
    )
    if (!apart.every(each => each <= tolerance)) process.exitCode = 1
  }
