/**
 * Are trainings on CUDA those of the CPU? node hack/gpu/same-trainings.ts [NAME…]
 *
 * Trains students of `ekya model build` on generated streets, on both, and prints how far the losses are apart, relative to the CPU's: of four
 * steps, each an epoch, and of an epoch of three steps, which CUDA takes in one call. Rounding grows from step to step, in deep networks by orders of magnitude.
 * How fast, trainings tell, on the CPU, of models whose weights are off by as little as rounding is; the farthest of them is shown. Fails where CUDA is off by
 * far more, and where it is not used. Set NVIDIA_TF32_OVERRIDE=0, or the GPU multiplies with fewer digits.
 */
import { selectImages } from '../../workers/learning/image-set.ts'
import { readStudent, withWeights } from '../../workers/learning/student.ts'
import { createTrainer } from '../../workers/learning/trainer.ts'
import { architectures } from '../../workers/models/architectures/registry.ts'
import { dataType, encodeModel, floatValues } from '../../workers/models/onnx.ts'
import { random } from '../../workers/models/random.ts'
import type { Provider } from '../../workers/models/session.ts'
import { manyStreets, sceneImages } from '../models/scene-images.ts'

const rounding = 1e-7
/** Apart by less is alike; by more it is measured against what rounding does. */
const [alike, timesRounding] = [1e-5, 20]
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
const [train, validation] = [selectImages(images, range(0, 95)), selectImages(images, range(95, 120))]

/** All weights off by up to one part in ten million, either way. */
function roundedOtherwise(model: Uint8Array, seed: number): Uint8Array {
  const student = readStudent(model)
  const draw = random(seed, 'rounding')
  const values = [...student.initializers].flatMap(([name, tensor]) =>
    tensor.dataType === dataType.float
      ? [[name, floatValues(tensor).map(value => value * (1 + rounding * (2 * draw.next() - 1)))] as const]
      : [],
  )
  return encodeModel(withWeights(student.model, new Map(values)))
}

interface Asked {
  readonly trainableLayers: 'all' | 'head'
  readonly epochs: number
  readonly batchSize: number
}

async function losses(model: Uint8Array, device: Provider, asked: Asked): Promise<number[]> {
  const trainer = await createTrainer(model, { device, threads: 2 })
  try {
    if (trainer.provider.provider !== device) throw new Error(trainer.provider.reason)
    const configuration = {
      ...{ ...asked, learningRate: 0.002, momentum: 0.9, schedule: 'constant' as const },
      ...{ dataFraction: 1, seed: 1, threads: 2 },
    }
    const { epochs } = await trainer.train({ train, validation, configuration })
    return epochs.map(({ loss }) => loss)
  } finally {
    await trainer.close()
  }
}

const each = (values: readonly number[]): string => values.map(value => value.toExponential(1)).join(' ')
for (const name of names)
  for (const asked of [
    { trainableLayers: 'head', epochs: 4, batchSize: 95 },
    { trainableLayers: 'all', epochs: 4, batchSize: 95 },
    { trainableLayers: 'all', epochs: 1, batchSize: 32 },
  ] as const) {
    const model = architectures[name]!({ classes: 6, seed: 1, shape })
    const want = await losses(model, 'cpu', asked)
    const apart = (got: readonly number[]) => want.map((loss, i) => Math.abs(got[i]! - loss) / loss)
    const cuda = apart(await losses(model, 'cuda', asked))
    const rounded = want.map(() => 0)
    for (const seed of [1, 2, 3, 4])
      apart(await losses(roundedOtherwise(model, seed), 'cpu', asked)).forEach((value, i) => {
        rounded[i] = Math.max(rounded[i]!, value)
      })
    const off = cuda.some((value, i) => !(value <= Math.max(alike, timesRounding * rounded[i]!)))
    console.log(
      `${name}, ${asked.trainableLayers}, ${asked.epochs} × ${asked.batchSize}: CUDA ${each(cuda)}, rounding ${each(rounded)}${off ? ': NOT ALIKE' : ''}`,
    )
    if (off) process.exitCode = 1
  }
