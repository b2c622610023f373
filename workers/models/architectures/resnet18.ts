/**
 * ResNet-18 (He et al. 2016, https://arxiv.org/abs/1512.03385, table 1): a 7×7 convolution and a pooling, four stages of two blocks of two
 * 3×3 convolutions, global average pool, one dense head. 11.2 M weights besides the head. The image is halved five times.
 */
import { type NetworkBuilder, networkBuilder } from '../build.ts'
import { random } from '../random.ts'
import { defaultShape, type NetworkOptions, refuseSmall, scaledChannels } from './options.ts'

const stages = [64, 128, 256, 512]

/** @returns the ONNX file. @throws ModelError ModelInvalid below 32×32. */
export function resnet18({ classes, seed, shape = defaultShape, width = 1 }: NetworkOptions): Uint8Array {
  refuseSmall('resnet18', shape)
  const build = networkBuilder('resnet18', shape, random(seed, 'resnet18'))
  const channels = stages.map(count => scaledChannels(count, width, 4))
  const stem = build.convolution('input', channels[0]!, { kernel: 7, stride: 2 })
  let last = build.maxPool(build.relu(build.batchNorm(stem)), { size: 3, stride: 2, pad: 1 })
  for (const [stage, count] of channels.entries()) {
    last = block(build, last, count, stage === 0 ? 1 : 2)
    last = block(build, last, count, 1)
  }
  return build.finish(build.dense(build.flatten(build.globalAveragePool(last)), classes, 'head'), {
    'ekya.architecture': 'resnet18',
  })
}

/** relu(shortcut + two convolutions); the shortcut is projected where the shape changes. */
function block(build: NetworkBuilder, input: string, channels: number, stride: number): string {
  const first = build.relu(build.batchNorm(build.convolution(input, channels, { stride })))
  const second = build.batchNorm(build.convolution(first, channels))
  const same = stride === 1 && build.channels(input) === channels
  const shortcut = same ? input : build.batchNorm(build.convolution(input, channels, { kernel: 1, stride }))
  return build.relu(build.add(second, shortcut))
}
