/**
 * small-cnn: (convolution 3×3, BatchNorm, Relu, MaxPool 2×2) per width, global average pool, one dense head.
 * About 24 k weights at widths 16-32-64 and 94 k at 32-64-128.
 */
import { type ImageShape, networkBuilder } from '../build.ts'
import { random } from '../random.ts'

export interface SmallCnnOptions {
  readonly classes: number
  readonly seed: number
  /** Default [16, 32, 64]. Every entry halves the image. */
  readonly widths?: readonly number[]
  /** Default 3 × 32 × 32. */
  readonly shape?: ImageShape
}

/** @returns the ONNX file; the same options give the same bytes. */
export function smallCnn(options: SmallCnnOptions): Uint8Array {
  const { classes, seed, widths = [16, 32, 64], shape = { channels: 3, height: 32, width: 32 } } = options
  const build = networkBuilder('small-cnn', shape, random(seed, 'small-cnn'))
  let last = 'input'
  for (const width of widths)
    last = build.maxPool(build.relu(build.batchNorm(build.convolution(last, width))))
  return build.finish(build.dense(build.flatten(build.globalAveragePool(last)), classes, 'head'), {
    'ekya.architecture': `small-cnn ${widths.join('-')}`,
  })
}
