/** Small networks around each operator, with shapes and attributes drawn at random. For tests. */
import { type Attributes, dataType, floatTensor, intTensor, type NodeProto, node } from '../../models/onnx.ts'
import type { Random } from '../../models/random.ts'
import { among, between, type DrawCase, pair, shape } from './case-draws.ts'
import {
  convolution,
  convolutionToFewPlaces,
  convolutionToOnePlace,
  oneKernelTwice,
  pointwiseOfSmallMaps,
  transposedConvolution,
} from './convolution-cases.ts'
import { type GradientCase, normal } from './gradient-check.ts'
import { equalPlaces, pooling, reluBeforePooling, roundedUp, sideBySide } from './pooling-cases.ts'

const one =
  (opType: string, attributes: (draw: Random) => Attributes = () => ({}), opset?: number): DrawCase =>
  draw => ({ nodes: [node(opType, ['x'], ['y'], attributes(draw))], x: shape(draw), opset })

/** Both operands depend on the stem; the second is broadcast, a constant of its own, or a vector per channel. */
const arithmetic =
  (opType: string): DrawCase =>
  draw => {
    const [c, h, w] = shape(draw)
    const small = among(draw, [[c, 1, 1], [1, h, w], [w], [1], [1, c, 1, w]])
    // Away from zero, for Div.
    const values = normal(draw, 'k', small, 0.2)
    const from = among<readonly NodeProto[]>(draw, [
      [
        node('GlobalAveragePool', ['x'], ['g']),
        node('Sigmoid', ['g'], ['s']),
        node('Add', ['s', 'two'], ['t']),
        node(opType, draw.next() < 0.5 ? ['x', 't'] : ['t', 't'], ['y']),
      ],
      [node('Sigmoid', ['k'], ['s']), node('Add', ['s', 'two'], ['t']), node(opType, ['x', 't'], ['y'])],
      [node('Sigmoid', ['x'], ['s']), node('Add', ['s', 'two'], ['t']), node(opType, ['k', 't'], ['y'])],
    ])
    return { nodes: from, tensors: [values, floatTensor('two', [], [2])], x: [c, h, w] }
  }

const limits = (least: number, most: number) => [
  floatTensor('least', [], [least]),
  floatTensor('most', [], [most]),
]

function reduction(opType: string, asInput: boolean): DrawCase {
  return draw => {
    const axes = among(draw, [[1], [2, 3], [-1], [1, -2], [1, 2, 3]])
    const keepdims = draw.integer(2)
    return asInput
      ? {
          nodes: [node(opType, ['x', 'axes'], ['y'], { keepdims })],
          tensors: [intTensor('axes', [axes.length], axes)],
          x: shape(draw),
          opset: opType === 'ReduceSum' ? 13 : 18,
        }
      : { nodes: [node(opType, ['x'], ['y'], { keepdims, axes })], x: shape(draw), opset: 13 }
  }
}

function resized(draw: Random): GradientCase {
  const x = shape(draw)
  const mode = among(draw, ['nearest', 'linear'])
  const attributes: Attributes = {
    mode,
    coordinate_transformation_mode: among(draw, [
      'half_pixel',
      'pytorch_half_pixel',
      'align_corners',
      'asymmetric',
    ]),
    ...(mode === 'nearest'
      ? { nearest_mode: among(draw, ['round_prefer_floor', 'round_prefer_ceil', 'floor', 'ceil']) }
      : {}),
  }
  const scales = [1, 1, among(draw, [0.5, 1, 1.5, 2]), among(draw, [0.6, 1, 2, 3])]
  return {
    nodes: [node('Resize', ['x', '', 'scales'], ['y'], attributes)],
    tensors: [floatTensor('scales', [4], scales)],
    x,
    opset: among(draw, [13, 18, 19]),
  }
}

function sliced(draw: Random): GradientCase {
  const x = shape(draw)
  const axes = among(draw, [[1], [2, 3], [-1], [3, 1]])
  const size = (axis: number): number => x[(axis < 0 ? axis + 4 : axis) - 1]!
  const steps = axes.map(() => among(draw, [1, 1, 2, -1, -2]))
  const starts = axes.map((axis, i) => (steps[i]! > 0 ? draw.integer(size(axis)) : -1))
  const ends = axes.map((_, i) => (steps[i]! > 0 ? Number.MAX_SAFE_INTEGER : -Number.MAX_SAFE_INTEGER))
  const ints = (name: string, values: number[]) => intTensor(name, [values.length], values)
  return {
    nodes: [node('Slice', ['x', 'starts', 'ends', 'axes', 'steps'], ['y'])],
    tensors: [ints('starts', starts), ints('ends', ends), ints('axes', axes), ints('steps', steps)],
    x,
  }
}

function padded(draw: Random): GradientCase {
  const mode = among(draw, ['constant', 'constant', 'edge', 'reflect', 'wrap'])
  const side = (): number => between(draw, -1, 2)
  const pads = [0, 0, side(), side(), 0, mode === 'constant' ? 1 : 0, side(), side()]
  return {
    nodes: [node('Pad', ['x', 'pads'], ['y'], { mode })],
    tensors: [intTensor('pads', [8], pads)],
    x: shape(draw),
    opset: mode === 'wrap' ? 19 : undefined,
  }
}

function joined(draw: Random): GradientCase {
  const x = shape(draw)
  const axis = among(draw, [1, 2, -1])
  return {
    nodes: [
      node('Tanh', ['x'], ['t']),
      node('Sigmoid', ['x'], ['s']),
      node('Concat', ['t', 'x', 's'], ['y'], { axis }),
    ],
    x,
  }
}

/** Of three pieces one is not used and two meet again. */
function split(draw: Random, opset: number): GradientCase {
  const channels = 6
  const sizes = opset < 18 || draw.next() < 0.5 ? [2, 2, 2] : undefined
  return {
    nodes: [
      node('Split', sizes ? ['x', 'sizes'] : ['x'], ['unused', 'p', 'q'], {
        axis: 1,
        ...(sizes ? {} : { num_outputs: 3 }),
      }),
      node('Tanh', ['p'], ['t']),
      node('Mul', ['t', 'q'], ['y']),
    ],
    tensors: sizes ? [intTensor('sizes', [3], sizes)] : [],
    x: shape(draw, channels),
    opset,
  }
}

function normalisedLayer(draw: Random): GradientCase {
  const x = shape(draw)
  const axis = among(draw, [-1, 1, 2, 3])
  const dims = x.slice((axis < 0 ? axis + 4 : axis) - 1)
  return {
    nodes: [node('LayerNormalization', ['x', 'scale', 'bias'], ['y'], { axis, epsilon: { float: 1e-3 } })],
    tensors: [normal(draw, 'scale', dims), normal(draw, 'bias', dims)],
    x,
  }
}

function batchNorm(draw: Random, channels: number) {
  const variance = Array.from({ length: channels }, () => 0.5 + draw.next())
  return {
    node: node('BatchNormalization', ['x', 'scale', 'bias', 'mean', 'var'], ['n'], {
      epsilon: { float: 1e-3 },
    }),
    tensors: [
      normal(draw, 'scale', [channels]),
      normal(draw, 'bias', [channels]),
      normal(draw, 'mean', [channels]),
      floatTensor('var', [channels], variance),
    ],
  }
}

function normalisedBatch(
  draw: Random,
  options: Pick<GradientCase, 'freezeStatistics'> = {},
  x = shape(draw, between(draw, 1, 4)),
): GradientCase {
  const { node: bn, tensors } = batchNorm(draw, x[0])
  return { nodes: [bn, node('Tanh', ['n'], ['y'])], tensors, x, ...options }
}

/** The stem and its BatchNormalization are frozen, but the skip connection makes the gradient pass a frozen one after a trained layer. */
function frozenBelow(draw: Random): GradientCase {
  const { node: bn, tensors } = batchNorm(draw, 3)
  return {
    nodes: [bn, node('Conv', ['n', 'w'], ['c'], { pads: [1, 1, 1, 1] }), node('Add', ['c', 'n'], ['y'])],
    tensors: [...tensors, normal(draw, 'w', [3, 3, 3, 3], 0.3)],
    trainable: 2,
  }
}

function gemm(draw: Random): GradientCase {
  const [transA, transB] = [draw.integer(2), draw.integer(2)]
  const c = among(draw, [[1, 4], [4], [1]])
  const size = 12
  return {
    nodes: [
      node('Reshape', ['x', 'rows'], ['f']),
      ...(transA === 1 ? [node('Transpose', ['f'], ['a'])] : [node('Identity', ['f'], ['a'])]),
      node('Gemm', ['a', 'w', 'c'], ['y'], {
        ...{ transA, transB },
        alpha: { float: 0.5 },
        beta: { float: 2 },
      }),
    ],
    tensors: [
      intTensor('rows', [2], [-1, size]),
      normal(draw, 'w', transB === 1 ? [4, size] : [size, 4], 0.5),
      normal(draw, 'c', c),
    ],
    x: [2, 2, 3],
  }
}

function product(draw: Random): GradientCase {
  const x = shape(draw, 2)
  const weight = [x[2], between(draw, 2, 4)]
  return among<() => GradientCase>(draw, [
    () => ({
      nodes: [node('MatMul', ['x', 'w'], ['m']), node('Add', ['m', 'b'], ['y'])],
      tensors: [normal(draw, 'w', weight, 0.4), normal(draw, 'b', [weight[1]!])],
      x,
    }),
    () => ({
      nodes: [node('MatMul', ['x', 'w'], ['y'])],
      tensors: [normal(draw, 'w', [2, ...weight], 0.4)],
      x,
    }),
    () => ({
      // Both operands depend on the stem, as in attention.
      nodes: [node('Transpose', ['x'], ['t'], { perm: [0, 1, 3, 2] }), node('MatMul', ['x', 't'], ['y'])],
      x,
    }),
    () => ({
      nodes: [
        node('Reshape', ['x', 'rows'], ['f']),
        node('MatMul', ['f', 'w'], ['m']),
        node('Add', ['m', 'b'], ['y']),
      ],
      tensors: [
        intTensor('rows', [2], [-1, x[0] * x[1] * x[2]]),
        normal(draw, 'w', [x[0] * x[1] * x[2], 3], 0.2),
        normal(draw, 'b', [3]),
      ],
      x,
    }),
  ])()
}

export const gradientCases: Readonly<Record<string, DrawCase>> = {
  Conv: draw => convolution(draw, 1, between(draw, 1, 3), between(draw, 1, 3)),
  'Conv, many channels': draw => convolution(draw, 1, 17, 2),
  'Conv in groups': draw => convolution(draw, 2, between(draw, 2, 3), between(draw, 1, 2)),
  'Conv, depthwise': draw => convolution(draw, between(draw, 2, 4), 1, between(draw, 1, 2)),
  'Conv, channels in blocks': draw => convolution(draw, 1, 16, 16),
  'Conv, depthwise in blocks': draw => convolution(draw, 16, 1, 1),
  'Conv to few places': convolutionToFewPlaces,
  'Conv to one place': convolutionToOnePlace,
  'Conv, one kernel twice': oneKernelTwice,
  'Conv 1×1': draw => ({
    nodes: [node('Conv', ['x', 'w'], ['y'], { strides: pair(draw, 1, 2) })],
    tensors: [normal(draw, 'w', [2, 3, 1, 1], 0.4)],
  }),
  'Conv 1×1 of small maps': pointwiseOfSmallMaps,
  ConvTranspose: transposedConvolution,
  'ConvTranspose, auto_pad': draw => ({
    nodes: [
      node('ConvTranspose', ['x', 'w'], ['y'], {
        strides: [2, 2],
        auto_pad: among(draw, ['SAME_UPPER', 'SAME_LOWER']),
      }),
    ],
    tensors: [normal(draw, 'w', [3, 2, 3, 3], 0.4)],
  }),
  'BatchNormalization on the batch': draw => normalisedBatch(draw),
  'BatchNormalization on the batch, large maps': draw => normalisedBatch(draw, {}, [2, 25, 24]),
  'BatchNormalization, frozen on request': draw => normalisedBatch(draw, { freezeStatistics: true }),
  'BatchNormalization below the trained layers': frozenBelow,
  LayerNormalization: normalisedLayer,
  MaxPool: pooling('MaxPool', draw => ({ storage_order: draw.integer(2) })),
  'MaxPool, rounded up': roundedUp('MaxPool'),
  'MaxPool 2×2': one('MaxPool', () => ({ kernel_shape: [2, 2], strides: [2, 2] })),
  'MaxPool, windows side by side': sideBySide(3),
  'MaxPool, windows side by side in long rows': sideBySide(34),
  'MaxPool of equal places': equalPlaces,
  'MaxPool after Relu': reluBeforePooling,
  AveragePool: pooling('AveragePool', draw => ({ count_include_pad: draw.integer(2) })),
  'AveragePool of opset 19': pooling('AveragePool', draw => ({ count_include_pad: draw.integer(2) }), 19),
  'AveragePool, rounded up': roundedUp('AveragePool'),
  GlobalAveragePool: one('GlobalAveragePool'),
  Gemm: gemm,
  MatMul: product,
  Add: arithmetic('Add'),
  Sub: arithmetic('Sub'),
  Mul: arithmetic('Mul'),
  Div: arithmetic('Div'),
  'Add of two paths (a tensor used twice)': draw => ({
    nodes: [
      node('Conv', ['x', 'w'], ['c'], { pads: [1, 1, 1, 1] }),
      node('Relu', ['c'], ['r']),
      node('Add', ['r', 'x'], ['y']),
    ],
    tensors: [normal(draw, 'w', [3, 3, 3, 3], 0.3)],
  }),
  Relu: one('Relu'),
  LeakyRelu: one('LeakyRelu', draw => ({ alpha: { float: draw.next() - 0.2 } })),
  Clip: draw => ({
    nodes: [
      node(
        'Clip',
        among(draw, [
          ['x', 'least', 'most'],
          ['x', 'least'],
          ['x', '', 'most'],
        ]),
        ['y'],
      ),
    ],
    tensors: limits(-0.5, 0.8),
  }),
  Sigmoid: one('Sigmoid'),
  HardSigmoid: one('HardSigmoid', draw => ({ alpha: { float: 0.1 + draw.next() }, beta: { float: 0.4 } })),
  HardSwish: one('HardSwish'),
  Tanh: one('Tanh'),
  Erf: one('Erf'),
  Gelu: one('Gelu', draw => ({ approximate: among(draw, ['none', 'tanh']) }), 20),
  Softmax: one('Softmax', draw => ({ axis: among(draw, [1, 2, -1]) })),
  ReduceMean: reduction('ReduceMean', false),
  'ReduceMean of opset 18': reduction('ReduceMean', true),
  ReduceSum: reduction('ReduceSum', true),
  Concat: joined,
  Split: draw => split(draw, among(draw, [13, 18])),
  Slice: sliced,
  'Slice of all axes from the first on': () => ({
    nodes: [node('Slice', ['x', 'starts', 'ends'], ['y'])],
    tensors: [intTensor('starts', [3], [0, 1, 2]), intTensor('ends', [3], [2 ** 31 - 1, 3, -1])],
  }),
  Pad: padded,
  Resize: resized,
  Reshape: () => ({
    nodes: [node('Reshape', ['x', 'shape'], ['r']), node('Softmax', ['r'], ['y'], { axis: 1 })],
    tensors: [intTensor('shape', [3], [0, -1, 3])],
  }),
  Flatten: draw => ({
    nodes: [
      node('Flatten', ['x'], ['f'], { axis: among(draw, [1, 2, -1]) }),
      node('Tanh', ['f'], ['t']),
      node('Reshape', ['t', 'back'], ['y']),
    ],
    tensors: [intTensor('back', [2], [-1, 90])],
  }),
  'Squeeze and Unsqueeze': draw => ({
    nodes: [
      node('Unsqueeze', ['x', 'axes'], ['u']),
      node('Tanh', ['u'], ['t']),
      node('Squeeze', ['t', 'axes'], ['y']),
    ],
    tensors: [intTensor('axes', [1], [among(draw, [1, 2, -1])])],
  }),
  Transpose: one('Transpose', draw => ({
    perm: among(draw, [
      [0, 2, 3, 1],
      [0, 3, 1, 2],
      [0, 1, 3, 2],
    ]),
  })),
  'Identity and Dropout': draw => ({
    nodes: [
      node('Identity', ['x'], ['i']),
      node('Dropout', ['i', ...among<string[]>(draw, [[], ['', 'no']])], ['y']),
    ],
    tensors: [{ name: 'no', dims: [], dataType: dataType.bool, rawData: Uint8Array.of(0) }],
  }),
  Constant: draw => ({
    nodes: [
      node('Constant', [], ['w'], { value: normal(draw, 'w', [2, 3, 1, 1]) }),
      node('Conv', ['x', 'w'], ['y']),
    ],
  }),
}
