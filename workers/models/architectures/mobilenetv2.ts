/**
 * MobileNetV2 (Sandler et al. 2018, https://arxiv.org/abs/1801.04381, table 2): inverted residual blocks with depthwise convolutions, global
 * average pool, one dense head. 2.2 M weights besides the head. The image is halved five times.
 */
import { type NetworkBuilder, networkBuilder } from '../build.ts'
import { random } from '../random.ts'
import { defaultShape, type NetworkOptions, refuseSmall, scaledChannels } from './options.ts'

/** Expansion, output channels, blocks, stride of the first one. */
const stages = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
] as const
const [firstChannels, lastChannels] = [32, 1280]

/** @returns the ONNX file. @throws ModelError ModelInvalid below 32×32. */
export function mobilenetv2({ classes, seed, shape = defaultShape, width = 1 }: NetworkOptions): Uint8Array {
  refuseSmall('mobilenetv2', shape)
  const build = networkBuilder('mobilenetv2', shape, random(seed, 'mobilenetv2'))
  const scaled = (count: number): number => scaledChannels(count, width, 8)
  let last = build.relu6(build.batchNorm(build.convolution('input', scaled(firstChannels), { stride: 2 })))
  for (const [expansion, channels, blocks, stride] of stages)
    for (let i = 0; i < blocks; i++)
      last = block(build, last, expansion, scaled(channels), i === 0 ? stride : 1)
  const head = build.convolution(last, scaled(lastChannels), { kernel: 1 })
  last = build.globalAveragePool(build.relu6(build.batchNorm(head)))
  return build.finish(build.dense(build.flatten(last), classes, 'head'), {
    'ekya.architecture': 'mobilenetv2',
  })
}

/** 1×1 up, 3×3 depthwise, 1×1 down without activation; added to the input where the shape stays. */
function block(
  build: NetworkBuilder,
  input: string,
  expansion: number,
  channels: number,
  stride: number,
): string {
  const from = build.channels(input)
  const inner = from * expansion
  const activated = (convolution: string): string => build.relu6(build.batchNorm(convolution))
  const wide = expansion === 1 ? input : activated(build.convolution(input, inner, { kernel: 1 }))
  const filtered = activated(build.convolution(wide, inner, { stride, depthwise: true }))
  const narrow = build.batchNorm(build.convolution(filtered, channels, { kernel: 1 }))
  return stride === 1 && from === channels ? build.add(input, narrow) : narrow
}
