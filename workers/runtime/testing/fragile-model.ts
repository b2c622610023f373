import { networkBuilder } from '../../models/build.ts'
import { random } from '../../models/random.ts'

/** A classifier of 16×16 images with nothing to hold its activations: at a learning rate of 10 its loss is NaN within a few steps. */
export function fragileModel(classes: number): Uint8Array {
  const build = networkBuilder('fragile', { channels: 3, height: 16, width: 16 }, random(1))
  let last = 'input'
  for (const width of [8, 8, 8]) last = build.maxPool(build.convolution(last, width, { bias: true }))
  return build.finish(build.dense(build.flatten(build.globalAveragePool(last)), classes))
}
