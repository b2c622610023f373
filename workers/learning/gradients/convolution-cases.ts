/** Convolutions whose gradients are checked. For tests. */
import { node } from '../../models/onnx.ts'
import type { Random } from '../../models/random.ts'
import { between, pair, shape, sliding } from './case-draws.ts'
import { type GradientCase, normal } from './gradient-check.ts'

export function convolution(draw: Random, group: number, perGroup: number, filters: number): GradientCase {
  const { kernel, attributes } = sliding(draw)
  const [inputs, outputs] = [group * perGroup, group * filters]
  return {
    nodes: [node('Conv', ['x', 'w', 'b'], ['y'], { ...attributes, group })],
    tensors: [normal(draw, 'w', [outputs, perGroup, ...kernel], 0.4), normal(draw, 'b', [outputs])],
    x: shape(draw, inputs),
  }
}

export function pointwiseOfSmallMaps(draw: Random): GradientCase {
  const [inputs, outputs] = pair(draw, 1, 9)
  const bias = draw.next() < 0.5
  return {
    nodes: [node('Conv', ['x', 'w', ...(bias ? ['b'] : [])], ['y'])],
    tensors: [normal(draw, 'w', [outputs, inputs, 1, 1], 0.4), normal(draw, 'b', [outputs])],
    x: [inputs, ...pair(draw, 1, 3)],
  }
}

/** Windows of up to 2×2 positions over channels in blocks. */
export function convolutionToFewPlaces(draw: Random): GradientCase {
  const positions = pair(draw, 1, 2)
  const kernel = pair(draw, 1, 3)
  const [strides, dilations] = [pair(draw, 1, 2), pair(draw, 1, 2)]
  const reach = ([0, 1] as const).map(
    axis => (positions[axis] - 1) * strides[axis] + (kernel[axis] - 1) * dilations[axis] + 1,
  )
  const pads = reach.map(places => draw.integer(Math.min(3, places)))
  const bias = draw.next() < 0.5
  return {
    nodes: [
      node('Conv', ['x', 'w', ...(bias ? ['b'] : [])], ['y'], {
        ...{ strides, dilations },
        pads: [...pads.map(pad => pad >> 1), ...pads.map(pad => pad - (pad >> 1))],
      }),
    ],
    tensors: [normal(draw, 'w', [16, 16, ...kernel], 0.3), normal(draw, 'b', [16])],
    x: [16, reach[0]! - pads[0]!, reach[1]! - pads[1]!],
  }
}

/** Of which the input fills only a part. */
export function convolutionToOnePlace(draw: Random): GradientCase {
  const [height, width] = pair(draw, 1, 2)
  const [inputs, outputs] = [between(draw, 1, 3), between(draw, 1, 3)]
  const bias = draw.next() < 0.5
  return {
    nodes: [node('Conv', ['x', 'w', ...(bias ? ['b'] : [])], ['y'], { strides: [2, 2], pads: [1, 1, 1, 1] })],
    tensors: [normal(draw, 'w', [outputs, inputs, 3, 3]), normal(draw, 'b', [outputs])],
    x: [inputs, height, width],
  }
}

/** Once over maps and once over a single place. */
export function oneKernelTwice(draw: Random): GradientCase {
  const channels = between(draw, 1, 3)
  return {
    nodes: [
      node('Conv', ['x', 'w'], ['maps']),
      node('GlobalAveragePool', ['maps'], ['place']),
      node('Conv', ['place', 'w'], ['y']),
    ],
    tensors: [normal(draw, 'w', [channels, channels, 1, 1])],
    x: shape(draw, channels),
  }
}

export function transposedConvolution(draw: Random): GradientCase {
  const group = between(draw, 1, 2)
  const [perGroup, filters] = [between(draw, 1, 2), between(draw, 1, 2)]
  const kernel = pair(draw, 1, 3)
  const strides = pair(draw, 1, 2)
  const dilations = pair(draw, 1, 2)
  const pads = [draw.integer(2), draw.integer(2), draw.integer(2), draw.integer(2)]
  const [inputs, outputs] = [group * perGroup, group * filters]
  return {
    nodes: [
      node('ConvTranspose', ['x', 'w', 'b'], ['y'], {
        ...{ group, strides, dilations, pads },
        output_padding: strides.map(stride => draw.integer(stride)),
      }),
    ],
    tensors: [normal(draw, 'w', [inputs, filters, ...kernel], 0.4), normal(draw, 'b', [outputs])],
    x: shape(draw, inputs),
  }
}
