import { expect } from 'chai'
import { createTrainer } from '../../learning/trainer.ts'
import { decodeModel, elementCount } from '../onnx.ts'
import { random } from '../random.ts'
import { architectures } from './registry.ts'

const weights = (bytes: Uint8Array): number =>
  decodeModel(bytes)
    .graph.initializer.filter(({ name }) => /\.(weight|bias|scale)$/.test(name!))
    .reduce((sum, tensor) => sum + elementCount(tensor.dims), 0)

/** Images of one bright channel each, which the label names. */
function brightChannels(count: number, side: number) {
  const shape = { channels: 3, height: side, width: side }
  const labels = Int32Array.from({ length: count }, (_, i) => i % 3)
  const draw = random(1, 'images')
  const places = side * side
  const pixels = Uint8Array.from({ length: count * 3 * places }, (_, i) => {
    const lit = Math.floor((i % (3 * places)) / places) === labels[Math.floor(i / (3 * places))]
    return draw.integer(160) + (lit ? 90 : 0)
  })
  return { count, shape, pixels, labels }
}

describe('architectures, at length', function () {
  this.timeout(60_000)
  // As published, for 1000 classes; the sizes of torchvision's models.
  for (const { name, want } of [
    { name: 'resnet18', want: 11_689_512 },
    { name: 'mobilenetv2', want: 3_504_872 },
    { name: 'shufflenetv2', want: 2_278_604 },
  ])
    it(`${name} has as many weights as published`, () =>
      expect(weights(architectures[name]!({ classes: 1000, seed: 1 }))).to.equal(want))

  for (const [name, build] of Object.entries(architectures))
    it(`${name} trains`, async () => {
      const trainer = await createTrainer(build({ classes: 3, seed: 2, width: 0.25 }))
      const images = brightChannels(24, 32)
      const { epochs } = await trainer.train({
        train: images,
        validation: images,
        configuration: {
          ...{ epochs: 12, batchSize: 12, learningRate: 0.05, trainableLayers: 'all', dataFraction: 1 },
          ...{ augment: false, seed: 1, threads: 1 },
        },
      })
      await trainer.close()
      expect(epochs.at(-1)!.loss).to.be.lessThan(0.8 * epochs[0]!.loss)
    })
})
