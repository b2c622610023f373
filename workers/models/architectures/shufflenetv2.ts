/**
 * ShuffleNetV2 1× (Ma et al. 2018, https://arxiv.org/abs/1807.11164, table 5): half of the channels pass each block unchanged, then both halves
 * are shuffled. Global average pool, one dense head. 1.3 M weights besides the head. The image is halved five times.
 */
import { type NetworkBuilder, networkBuilder } from '../build.ts'
import { random } from '../random.ts'
import { defaultShape, type NetworkOptions, refuseSmall, scaledChannels } from './options.ts'

/** Output channels, blocks. */
const stages = [
  [116, 4],
  [232, 8],
  [464, 4],
] as const
const [firstChannels, lastChannels] = [24, 1024]

/** @returns the ONNX file. @throws ModelError ModelInvalid below 32×32. */
export function shufflenetv2({ classes, seed, shape = defaultShape, width = 1 }: NetworkOptions): Uint8Array {
  refuseSmall('shufflenetv2', shape)
  const build = networkBuilder('shufflenetv2', shape, random(seed, 'shufflenetv2'))
  const scaled = (count: number): number => scaledChannels(count, width, 4)
  const activated = (convolution: string): string => build.relu(build.batchNorm(convolution))
  const stem = activated(build.convolution('input', scaled(firstChannels), { stride: 2 }))
  let last = build.maxPool(stem, { size: 3, stride: 2, pad: 1 })
  for (const [channels, blocks] of stages) {
    last = downwards(build, last, scaled(channels))
    for (let i = 1; i < blocks; i++) last = across(build, last)
  }
  last = build.globalAveragePool(activated(build.convolution(last, scaled(lastChannels), { kernel: 1 })))
  return build.finish(build.dense(build.flatten(last), classes, 'head'), {
    'ekya.architecture': 'shufflenetv2',
  })
}

/** Halves the image: both branches see all channels, and each gives half of the output's. */
function downwards(build: NetworkBuilder, input: string, channels: number): string {
  const half = channels / 2
  const filtered = build.batchNorm(
    build.convolution(input, build.channels(input), { stride: 2, depthwise: true }),
  )
  const shortcut = build.relu(build.batchNorm(build.convolution(filtered, half, { kernel: 1 })))
  return build.interleave(shortcut, branch(build, input, half, 2))
}

function across(build: NetworkBuilder, input: string): string {
  const [kept, changed] = build.halves(input)
  return build.interleave(kept, branch(build, changed, build.channels(changed), 1))
}

/** 1×1, 3×3 depthwise, 1×1. */
function branch(build: NetworkBuilder, input: string, channels: number, stride: number): string {
  const mixed = build.relu(build.batchNorm(build.convolution(input, channels, { kernel: 1 })))
  const filtered = build.batchNorm(build.convolution(mixed, channels, { stride, depthwise: true }))
  return build.relu(build.batchNorm(build.convolution(filtered, channels, { kernel: 1 })))
}
