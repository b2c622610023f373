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
  intTensor,
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
  /** Relu up to 6. */
  relu6(input: string): string
  /** Default: 2 × 2, as far apart as it is wide, no padding. */
  maxPool(input: string, options?: PoolOptions): string
  globalAveragePool(input: string): string
  add(left: string, right: string): string
  /** Two halves of the channels, which must be even in number. */
  halves(input: string): [string, string]
  /** Both inputs' channels, taken alternately. */
  interleave(left: string, right: string): string
  /** Channels of a tensor. */
  channels(tensor: string): number
  flatten(input: string): string
  dense(input: string, units: number, name?: string): string
  /** Renames the last tensor to `logits` and encodes the file. */
  finish(output: string, metadata?: Readonly<Record<string, string>>): Uint8Array
}

export interface ConvolutionOptions {
  readonly kernel?: number
  readonly stride?: number
  readonly bias?: boolean
  /** Every channel by itself (`channels` is that of the input). */
  readonly depthwise?: boolean
}

export interface PoolOptions {
  readonly size?: number
  readonly stride?: number
  readonly pad?: number
}

/** Shape of a tensor behind the batch. */
type Features = ImageShape

export function networkBuilder(name: string, shape: ImageShape, random: Random): NetworkBuilder {
  const graph: GraphProto = {
    name,
    node: [],
    initializer: [],
    input: [floatValue('input', ['N', shape.channels, shape.height, shape.width])],
    output: [],
  }
  const features = new Map<string, Features>([['input', shape]])
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
    of: Features,
    attributes: Parameters<typeof node>[3] = {},
  ): string => {
    graph.node.push(node(opType, inputs, [label], attributes, label))
    features.set(label, of)
    return label
  }
  const keep = (
    opType: string,
    kind: string,
    input: string,
    attributes: Parameters<typeof node>[3] = {},
    more: readonly string[] = [],
  ): string => layer(opType, unique(kind), [input, ...more], features.get(input)!, attributes)
  const slid = (of: Features, channels: number, kernel: number, stride: number, pad: number): Features => {
    const places = (size: number): number => Math.floor((size + 2 * pad - kernel) / stride) + 1
    return { channels, height: places(of.height), width: places(of.width) }
  }
  /** A constant that several nodes may share. */
  const shared = (tensor: TensorProto): string =>
    graph.initializer.some(each => each.name === tensor.name) ? tensor.name! : parameter(tensor)

  return {
    convolution(input, channels, { kernel = 3, stride = 1, bias = false, depthwise = false } = {}) {
      const label = unique('conv')
      const of = features.get(input)!
      const from = depthwise ? 1 : of.channels
      const fanIn = from * kernel * kernel
      const weights = heNormal(channels * fanIn, fanIn)
      const inputs = [
        input,
        parameter(floatTensor(`${label}.weight`, [channels, from, kernel, kernel], weights)),
      ]
      if (bias) inputs.push(parameter(floatTensor(`${label}.bias`, [channels], constant(channels, 0))))
      const pad = (kernel - 1) >> 1
      return layer('Conv', label, inputs, slid(of, channels, kernel, stride, pad), {
        kernel_shape: [kernel, kernel],
        strides: [stride, stride],
        pads: [pad, pad, pad, pad],
        ...(depthwise ? { group: channels } : {}),
      })
    },
    batchNorm(input) {
      const label = unique('bn')
      const of = features.get(input)!
      const { channels } = of
      const tensor = (part: string, value: number) =>
        parameter(floatTensor(`${label}.${part}`, [channels], constant(channels, value)))
      const inputs = [input, tensor('scale', 1), tensor('bias', 0), tensor('mean', 0), tensor('var', 1)]
      return layer('BatchNormalization', label, inputs, of, {
        epsilon: { float: 1e-5 },
        momentum: { float: 0.9 },
      })
    },
    relu: input => keep('Relu', 'relu', input),
    relu6: input =>
      keep('Clip', 'relu', input, {}, [
        shared(floatTensor('zero', [], [0])),
        shared(floatTensor('six', [], [6])),
      ]),
    maxPool(input, { size = 2, stride = size, pad = 0 } = {}) {
      const of = features.get(input)!
      return layer('MaxPool', unique('pool'), [input], slid(of, of.channels, size, stride, pad), {
        kernel_shape: [size, size],
        strides: [stride, stride],
        ...(pad > 0 ? { pads: [pad, pad, pad, pad] } : {}),
      })
    },
    globalAveragePool: input =>
      layer('GlobalAveragePool', unique('gap'), [input], { ...features.get(input)!, height: 1, width: 1 }),
    halves(input) {
      const of = features.get(input)!
      const half = of.channels / 2
      const label = unique('split')
      const outputs: [string, string] = [`${label}.left`, `${label}.right`]
      const sizes = shared(intTensor(`halves.${half}`, [2], [half, half]))
      graph.node.push(node('Split', [input, sizes], outputs, { axis: 1 }, label))
      for (const output of outputs) features.set(output, { ...of, channels: half })
      return outputs
    },
    interleave(left, right) {
      const of = features.get(left)!
      const { channels, height, width } = { ...of, channels: 2 * of.channels }
      const dims = (values: readonly number[]): string =>
        shared(intTensor(`dims.${values.join('x')}`, [values.length], values))
      const label = unique('shuffle')
      const whole = { channels, height, width }
      const joined = layer('Concat', `${label}.joined`, [left, right], whole, { axis: 1 })
      const pairs = layer(
        'Reshape',
        `${label}.pairs`,
        [joined, dims([-1, 2, of.channels, height, width])],
        whole,
      )
      const turned = layer('Transpose', `${label}.turned`, [pairs], whole, { perm: [0, 2, 1, 3, 4] })
      return layer('Reshape', label, [turned, dims([-1, channels, height, width])], whole)
    },
    channels: tensor => features.get(tensor)!.channels,
    add: (left, right) => layer('Add', unique('add'), [left, right], features.get(left)!),
    flatten: input => keep('Flatten', 'flatten', input, { axis: 1 }),
    dense(input, units, label = unique('dense')) {
      const from = features.get(input)!.channels
      const weights = heNormal(units * from, from)
      const inputs = [
        input,
        parameter(floatTensor(`${label}.weight`, [units, from], weights)),
        parameter(floatTensor(`${label}.bias`, [units], constant(units, 0))),
      ]
      return layer('Gemm', label, inputs, { channels: units, height: 1, width: 1 }, { transB: 1 })
    },
    finish(output, metadata = {}) {
      const last = graph.node.find(each => each.output[0] === output)!
      last.output[0] = 'logits'
      graph.output.push(floatValue('logits', ['N', features.get(output)!.channels]))
      return encodeModel(modelOf(graph, metadata))
    },
  }
}
