/**
 * Writes a student network layer by layer as an ONNX graph, with weights drawn by seed.
 *
 * Convention of all students: input `input` float32 [N, C, H, W], RGB, value / 127.5 − 1; output `logits` float32 [N, classes].
 */
import {
  encodeModel,
  floatTensor,
  floatValue,
  type GraphProto,
  model as modelOf,
  node,
  type TensorProto,
} from './onnx.ts'
import type { Random } from './random.ts'

export interface ImageShape {
  readonly channels: number
  readonly height: number
  readonly width: number
}

export interface NetworkBuilder {
  /** He-initialised; `same` padding for odd kernels. Without bias where a BatchNorm follows. */
  convolution(input: string, channels: number, options?: ConvolutionOptions): string
  batchNorm(input: string): string
  relu(input: string): string
  maxPool(input: string, size?: number): string
  globalAveragePool(input: string): string
  add(left: string, right: string): string
  flatten(input: string): string
  dense(input: string, units: number, name?: string): string
  /** Renames the last tensor to `logits` and encodes the file. */
  finish(output: string, metadata?: Readonly<Record<string, string>>): Uint8Array
}

export interface ConvolutionOptions {
  readonly kernel?: number
  readonly stride?: number
  readonly bias?: boolean
}

export function networkBuilder(name: string, shape: ImageShape, random: Random): NetworkBuilder {
  const graph: GraphProto = {
    name,
    node: [],
    initializer: [],
    input: [floatValue('input', ['N', shape.channels, shape.height, shape.width])],
    output: [],
  }
  const features = new Map<string, number>([['input', shape.channels]])
  const counters = new Map<string, number>()

  const unique = (kind: string): string => {
    const count = (counters.get(kind) ?? 0) + 1
    counters.set(kind, count)
    return `${kind}${count}`
  }
  const parameter = (tensor: TensorProto): string => {
    graph.initializer.push(tensor)
    return tensor.name!
  }
  const heNormal = (count: number, fanIn: number): Float32Array =>
    Float32Array.from({ length: count }, () => random.normal() * Math.sqrt(2 / fanIn))
  const constant = (count: number, value: number): Float32Array => new Float32Array(count).fill(value)

  const layer = (
    opType: string,
    label: string,
    inputs: readonly string[],
    channels: number,
    attributes: Parameters<typeof node>[3] = {},
  ): string => {
    graph.node.push(node(opType, inputs, [label], attributes, label))
    features.set(label, channels)
    return label
  }
  const keep = (
    opType: string,
    kind: string,
    input: string,
    attributes: Parameters<typeof node>[3] = {},
  ): string => layer(opType, unique(kind), [input], features.get(input)!, attributes)

  return {
    convolution(input, channels, { kernel = 3, stride = 1, bias = false } = {}) {
      const label = unique('conv')
      const from = features.get(input)!
      const fanIn = from * kernel * kernel
      const weights = heNormal(channels * fanIn, fanIn)
      const inputs = [
        input,
        parameter(floatTensor(`${label}.weight`, [channels, from, kernel, kernel], weights)),
      ]
      if (bias) inputs.push(parameter(floatTensor(`${label}.bias`, [channels], constant(channels, 0))))
      const pad = (kernel - 1) >> 1
      return layer('Conv', label, inputs, channels, {
        kernel_shape: [kernel, kernel],
        strides: [stride, stride],
        pads: [pad, pad, pad, pad],
      })
    },
    batchNorm(input) {
      const label = unique('bn')
      const channels = features.get(input)!
      const tensor = (part: string, value: number) =>
        parameter(floatTensor(`${label}.${part}`, [channels], constant(channels, value)))
      const inputs = [input, tensor('scale', 1), tensor('bias', 0), tensor('mean', 0), tensor('var', 1)]
      return layer('BatchNormalization', label, inputs, channels, {
        epsilon: { float: 1e-5 },
        momentum: { float: 0.9 },
      })
    },
    relu: input => keep('Relu', 'relu', input),
    maxPool: (input, size = 2) =>
      keep('MaxPool', 'pool', input, { kernel_shape: [size, size], strides: [size, size] }),
    globalAveragePool: input => keep('GlobalAveragePool', 'gap', input),
    add: (left, right) => layer('Add', unique('add'), [left, right], features.get(left)!),
    flatten: input => keep('Flatten', 'flatten', input, { axis: 1 }),
    dense(input, units, label = unique('dense')) {
      const from = features.get(input)!
      const weights = heNormal(units * from, from)
      const inputs = [
        input,
        parameter(floatTensor(`${label}.weight`, [units, from], weights)),
        parameter(floatTensor(`${label}.bias`, [units], constant(units, 0))),
      ]
      return layer('Gemm', label, inputs, units, { transB: 1 })
    },
    finish(output, metadata = {}) {
      const last = graph.node.find(each => each.output[0] === output)!
      last.output[0] = 'logits'
      graph.output.push(floatValue('logits', ['N', features.get(output)!]))
      return encodeModel(modelOf(graph, metadata))
    },
  }
}
