/** Small networks around each operator, with shapes and attributes drawn at random. For tests. */
import { type Attributes, dataType, floatTensor, intTensor, type NodeProto, node } from '../../models/onnx.ts'
import type { Random } from '../../models/random.ts'
import { type GradientCase, normal } from './gradient-check.ts'

export type DrawCase = (draw: Random) => GradientCase

const among = <T>(draw: Random, values: readonly T[]): T => values[draw.integer(values.length)]!
const between = (draw: Random, least: number, most: number): number => least + draw.integer(most - least + 1)
const pair = (draw: Random, least: number, most: number): [number, number] => [
  between(draw, least, most),
  between(draw, least, most),
]
/** Of x. */
const shape = (draw: Random, channels = between(draw, 1, 4)): [number, number, number] => [
  channels,
  between(draw, 5, 7),
  between(draw, 5, 7),
]

const one =
  (opType: string, attributes: (draw: Random) => Attributes = () => ({}), opset?: number): DrawCase =>
  draw => ({ nodes: [node(opType, ['x'], ['y'], attributes(draw))], x: shape(draw), opset })

/** A window that fits into 5 places, with pads smaller than the kernel. */
function sliding(draw: Random, mostDilation = 2): { kernel: [number, number]; attributes: Attributes } {
  const kernel = pair(draw, 1, 3)
  const dilations = kernel.map(size => (size === 3 ? 1 : between(draw, 1, mostDilation)))
  const attributes = { strides: pair(draw, 1, 3), dilations }
  const pad = (axis: 0 | 1): number => draw.integer(kernel[axis])
  if (draw.next() < 0.6)
    return { kernel, attributes: { ...attributes, pads: [pad(0), pad(1), pad(0), pad(1)] } }
  return {
    kernel,
    attributes: {
      // The runtime refuses SAME where windows leave places out.
      strides: kernel.map(size => between(draw, 1, size)),
      dilations: [1, 1],
      auto_pad: among(draw, ['SAME_UPPER', 'SAME_LOWER', 'VALID']),
    },
  }
}

function convolution(draw: Random, group: number, perGroup: number, filters: number): GradientCase {
  const { kernel, attributes } = sliding(draw)
  const [inputs, outputs] = [group * perGroup, group * filters]
  return {
    nodes: [node('Conv', ['x', 'w', 'b'], ['y'], { ...attributes, group })],
    tensors: [normal(draw, 'w', [outputs, perGroup, ...kernel], 0.4), normal(draw, 'b', [outputs])],
    x: shape(draw, inputs),
  }
}

function pointwiseOfSmallMaps(draw: Random): GradientCase {
  const [inputs, outputs] = pair(draw, 1, 9)
  const bias = draw.next() < 0.5
  return {
    nodes: [node('Conv', ['x', 'w', ...(bias ? ['b'] : [])], ['y'])],
    tensors: [normal(draw, 'w', [outputs, inputs, 1, 1], 0.4), normal(draw, 'b', [outputs])],
    x: [inputs, ...pair(draw, 1, 3)],
  }
}

/** Windows of up to 2×2 positions over channels in blocks. */
function convolutionToFewPlaces(draw: Random): GradientCase {
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
function convolutionToOnePlace(draw: Random): GradientCase {
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
function oneKernelTwice(draw: Random): GradientCase {
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

function transposedConvolution(draw: Random): GradientCase {
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

const pooling =
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
const sideBySide =
  (most: number): DrawCase =>
  draw => {
    const [rows, columns] = pair(draw, 1, 3)
    return {
      nodes: [node('MaxPool', ['x'], ['y'], { kernel_shape: [rows, columns], strides: [rows, columns] })],
      x: [among(draw, [1, 3, 16]), rows * between(draw, 1, 3), columns * between(draw, most - 2, most)],
    }
  }

/** The pooling is not always all that reads the Relu. */
function reluBeforePooling(draw: Random): GradientCase {
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
function equalPlaces(draw: Random): GradientCase {
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
const roundedUp =
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
