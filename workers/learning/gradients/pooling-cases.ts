/** Poolings whose gradients are checked. For tests. */
import { type Attributes, floatTensor, type NodeProto, node } from '../../models/onnx.ts'
import type { Random } from '../../models/random.ts'
import { among, between, type DrawCase, pair, shape, sliding } from './case-draws.ts'
import type { GradientCase } from './gradient-check.ts'

export const pooling =
  (opType: string, extra: (draw: Random) => Attributes, opset?: number): DrawCase =>
  draw => {
    const { kernel, attributes } = sliding(draw, opType === 'MaxPool' || opset !== undefined ? 2 : 1)
    // AveragePool has no dilations before opset 19.
    const { dilations: _, ...others } = attributes
    const fit = opType === 'AveragePool' && opset === undefined ? others : attributes
    return {
      nodes: [node(opType, ['x'], ['y'], { kernel_shape: kernel, ...fit, ...extra(draw) })],
      x: shape(draw, between(draw, 1, 3)),
      opset,
    }
  }

/** Windows that fill the input; `most` of a row. */
export const sideBySide =
  (most: number): DrawCase =>
  draw => {
    const [rows, columns] = pair(draw, 1, 3)
    return {
      nodes: [node('MaxPool', ['x'], ['y'], { kernel_shape: [rows, columns], strides: [rows, columns] })],
      x: [among(draw, [1, 3, 16]), rows * between(draw, 1, 3), columns * between(draw, most - 2, most)],
    }
  }

/** The pooling is not always all that reads the Relu. */
export function reluBeforePooling(draw: Random): GradientCase {
  const window = among<Attributes>(draw, [
    { kernel_shape: [2, 2], strides: [2, 2] },
    { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] },
  ])
  const pooled = [node('Relu', ['x'], ['r']), node('MaxPool', ['r'], ['p'], window)]
  return {
    nodes: among<readonly NodeProto[]>(draw, [
      [...pooled, node('Tanh', ['p'], ['y'])],
      [...pooled, node('GlobalAveragePool', ['r'], ['g']), node('Add', ['p', 'g'], ['y'])],
    ]),
    x: shape(draw),
  }
}

/** Places of a window hold the same value, whatever the parameters. */
export function equalPlaces(draw: Random): GradientCase {
  const scales = among(draw, [
    [2, 1],
    [1, 2],
    [2, 2],
  ])
  return {
    nodes: [
      node('Resize', ['x', '', 'scales'], ['r'], { coordinate_transformation_mode: 'asymmetric' }),
      node('MaxPool', ['r'], ['y'], { kernel_shape: [2, 2], strides: [2, 2] }),
    ],
    tensors: [floatTensor('scales', [4], [1, 1, ...scales])],
    x: [between(draw, 1, 3), 4, 6],
  }
}

/** The last windows reach beyond the input. */
export const roundedUp =
  (opType: string): DrawCase =>
  draw => ({
    nodes: [
      node(opType, ['x'], ['y'], {
        ceil_mode: 1,
        kernel_shape: pair(draw, 2, 3),
        strides: pair(draw, 1, 2),
        pads: [draw.integer(2), draw.integer(2), 0, 0],
      }),
    ],
    x: shape(draw),
    opset: among(draw, [13, 22]),
  })
