import { expect } from 'chai'
import { openClassifier } from '../../models/classifier.ts'
import { floatTensor, node, type TensorProto } from '../../models/onnx.ts'
import { type Random, random } from '../../models/random.ts'
import { createTrainer } from '../trainer.ts'
import { caseModel, type GradientCase, gradientDifference } from './gradient-check.ts'

const normal = (draw: Random, name: string, dims: readonly number[], scale = 1): TensorProto =>
  floatTensor(
    name,
    dims,
    Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => draw.normal() * scale),
  )
const convolution = (
  attributes: Parameters<typeof node>[3],
  dims: readonly number[],
  size: number,
): GradientCase => ({
  nodes: [node('Conv', ['x', 'w', 'b'], ['y'], attributes)],
  tensors: draw => [normal(draw, 'w', dims, 0.4), normal(draw, 'b', [dims[0]!])],
  x: [dims[1]!, 6, 5],
  size,
})
const batchNorm = (draw: Random): TensorProto[] => [
  normal(draw, 'scale', [3]),
  normal(draw, 'bias', [3]),
  normal(draw, 'mean', [3]),
  floatTensor('var', [3], [0.5, 1.5, 3]),
]
const bn = node('BatchNormalization', ['x', 'scale', 'bias', 'mean', 'var'], ['y'], {
  epsilon: { float: 1e-5 },
})

const cases: Record<string, GradientCase> = {
  'Conv 3×3, padded': convolution({ kernel_shape: [3, 3], pads: [1, 1, 1, 1] }, [4, 3, 3, 3], 4 * 6 * 5),
  'Conv 3×3, no padding, kernel_shape left out': convolution({}, [2, 3, 3, 3], 2 * 4 * 3),
  'Conv 3×3, stride 2, a remainder': convolution(
    { strides: [2, 2], pads: [1, 1, 1, 1] },
    [2, 3, 3, 3],
    2 * 3 * 3,
  ),
  'Conv 2×3, uneven padding and stride': convolution(
    { strides: [2, 1], pads: [0, 1, 1, 2] },
    [2, 3, 2, 3],
    2 * 3 * 6,
  ),
  'Conv, auto_pad SAME_UPPER, stride 2': convolution(
    { auto_pad: 'SAME_UPPER', strides: [2, 2] },
    [2, 3, 3, 3],
    2 * 3 * 3,
  ),
  'Conv, auto_pad SAME_LOWER': convolution({ auto_pad: 'SAME_LOWER' }, [2, 3, 2, 2], 2 * 6 * 5),
  'Conv, many channels (separate products)': convolution({ pads: [1, 1, 1, 1] }, [2, 17, 3, 3], 2 * 6 * 5),
  'Conv 1×1': convolution({}, [2, 3, 1, 1], 2 * 6 * 5),
  'BatchNormalization on the batch': { nodes: [bn], tensors: batchNorm, size: 90 },
  'BatchNormalization frozen': {
    // The stem and its BatchNormalization are frozen, but the skip connection makes the gradient pass a frozen one after a trained layer.
    nodes: [
      node('BatchNormalization', ['x', 'scale', 'bias', 'mean', 'var'], ['n']),
      node('Conv', ['n', 'w'], ['c'], { pads: [1, 1, 1, 1] }),
      node('Add', ['c', 'n'], ['y']),
    ],
    tensors: draw => [...batchNorm(draw), normal(draw, 'w', [3, 3, 3, 3], 0.3)],
    trainable: 2,
    size: 90,
  },
  Relu: { nodes: [node('Relu', ['x'], ['y'])], size: 90 },
  'MaxPool 2×2': {
    nodes: [node('MaxPool', ['x'], ['y'], { kernel_shape: [2, 2], strides: [2, 2] })],
    size: 3 * 3 * 2,
  },
  'MaxPool 3×3, overlapping, padded': {
    nodes: [node('MaxPool', ['x'], ['y'], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] })],
    size: 3 * 3 * 3,
  },
  'AveragePool 2×2': {
    nodes: [node('AveragePool', ['x'], ['y'], { kernel_shape: [2, 2], strides: [2, 2] })],
    size: 3 * 3 * 2,
  },
  'AveragePool 3×3, overlapping, padding not counted': {
    nodes: [node('AveragePool', ['x'], ['y'], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] })],
    size: 3 * 3 * 3,
  },
  'AveragePool 3×2, padding counted': {
    nodes: [
      node('AveragePool', ['x'], ['y'], { kernel_shape: [3, 2], pads: [1, 0, 1, 1], count_include_pad: 1 }),
    ],
    size: 3 * 6 * 5,
  },
  GlobalAveragePool: { nodes: [node('GlobalAveragePool', ['x'], ['y'])], size: 3 },
  Identity: { nodes: [node('Identity', ['x'], ['y'])], size: 90 },
  Flatten: { nodes: [node('Flatten', ['x'], ['y'])], size: 90 },
  'Add of two paths (a tensor used twice)': {
    nodes: [
      node('Conv', ['x', 'w'], ['c'], { pads: [1, 1, 1, 1] }),
      node('Relu', ['c'], ['r']),
      node('Add', ['r', 'x'], ['y']),
    ],
    tensors: draw => [normal(draw, 'w', [3, 3, 3, 3], 0.3)],
    size: 90,
  },
  'Add, broadcast over channels': {
    nodes: [node('GlobalAveragePool', ['x'], ['g']), node('Add', ['g', 'x'], ['y'])],
    size: 90,
  },
  'Gemm, B not transposed, alpha and beta': {
    nodes: [
      node('Flatten', ['x'], ['f']),
      node('Gemm', ['f', 'w', 'c'], ['y'], { alpha: { float: 0.5 }, beta: { float: 2 } }),
    ],
    tensors: draw => [normal(draw, 'w', [90, 4], 0.2), normal(draw, 'c', [1, 4])],
    size: 4,
  },
  'MatMul and its bias': {
    nodes: [node('Flatten', ['x'], ['f']), node('MatMul', ['f', 'w'], ['m']), node('Add', ['m', 'b'], ['y'])],
    tensors: draw => [normal(draw, 'w', [90, 4], 0.2), normal(draw, 'b', [4])],
    size: 4,
  },
}

describe('gradient rules', () => {
  for (const [name, given] of Object.entries(cases))
    it(`agree with central differences: ${name}`, async () => {
      const { largest, scale } = await gradientDifference(given, 1)
      expect(scale).to.be.greaterThan(0.01)
      // Kinks of Relu and MaxPool lie within the difference now and then.
      expect(largest / scale).to.be.lessThan(0.02)
    })

  it('train the bias of a MatMul and the scale and bias of a BatchNormalization', async () => {
    const { parameters } = await gradientDifference(cases['MatMul and its bias']!, 1)
    expect(parameters).to.include.members(['w', 'b'])
    const normalised = await gradientDifference(cases['BatchNormalization on the batch']!, 1)
    expect(normalised.parameters)
      .to.include.members(['scale', 'bias'])
      .and.not.include.members(['mean', 'var'])
  })
})

describe('what cannot be trained', () => {
  for (const { name, given, want } of [
    {
      name: 'an unknown operator',
      given: { nodes: [node('Softsign', ['x'], ['y'])], size: 90 },
      want: /Softsign \(node y\); supported: Add, /,
    },
    {
      name: 'a grouped convolution',
      given: convolution({ group: 3, pads: [1, 1, 1, 1] }, [3, 1, 3, 3], 90),
      want: /node y \(Conv\): group is 3; accepted: 1/,
    },
    {
      name: 'a dilated convolution',
      given: convolution({ dilations: [2, 2], pads: [2, 2, 2, 2] }, [3, 3, 3, 3], 90),
      want: /node y \(Conv\): dilations differ from 1/,
    },
  ] as const)
    it(`names the node and what is accepted: ${name}`, async () => {
      const error = await gradientDifference({ ...given, x: [3, 6, 5] }, 1).then(
        () => null,
        (reason: unknown) => reason,
      )
      expect(error).to.have.property('code', 'OperatorUnsupported')
      expect((error as Error).message).to.match(want)
    })

  it('does not matter below the trained layers', async () => {
    const bytes = caseModel({ nodes: [node('Softsign', ['x'], ['y'])], size: 90 }, random(1))
    await (await openClassifier(bytes, 'x')).close()
    const trainer = await createTrainer(bytes)
    const images = {
      count: 12,
      shape: { channels: 2, height: 6, width: 5 },
      pixels: Uint8Array.from({ length: 12 * 60 }, (_, i) => (i * 97) % 256),
      labels: Int32Array.from({ length: 12 }, (_, i) => i % 3),
    }
    const outcome = await trainer.train({
      train: images,
      validation: images,
      configuration: {
        epochs: 10,
        batchSize: 4,
        learningRate: 0.02,
        trainableLayers: 'head',
        dataFraction: 1,
        seed: 1,
        threads: 1,
      },
    })
    await trainer.close()
    expect(outcome.epochs.at(-1)!.loss).to.be.lessThan(outcome.epochs[0]!.loss)
  })
})
