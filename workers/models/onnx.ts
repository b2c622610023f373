/**
 * ONNX files: read, write, and typed helpers for tensors, attributes and values.
 *
 * Messages are plain objects; every field of the format survives `decodeModel` → `encodeModel`, also those that nobody here understands.
 * 64-bit integers are plain numbers (models hold no dimension beyond 2^53).
 */
import protobuf from 'protobufjs/light.js'
import { ModelError } from './errors.ts'
import { onnxSchema } from './onnx-schema.ts'

export interface ModelProto {
  irVersion?: number
  opsetImport: { domain?: string; version: number }[]
  producerName?: string
  producerVersion?: string
  graph: GraphProto
  metadataProps?: { key: string; value: string }[]
  functions?: Uint8Array[]
}

export interface GraphProto {
  name?: string
  node: NodeProto[]
  initializer: TensorProto[]
  input: ValueInfoProto[]
  output: ValueInfoProto[]
  valueInfo?: ValueInfoProto[]
}

export interface NodeProto {
  name?: string
  opType: string
  domain?: string
  /** An omitted optional input or output is the empty string. */
  input: string[]
  output: string[]
  attribute?: AttributeProto[]
}

export interface AttributeProto {
  name: string
  type?: number
  f?: number
  i?: number
  s?: Uint8Array
  t?: TensorProto
  /** A GraphProto. */
  g?: Uint8Array
  floats?: number[]
  ints?: number[]
}

export interface TensorProto {
  name?: string
  dims: number[]
  dataType: number
  rawData?: Uint8Array
  floatData?: number[]
  int32Data?: number[]
  int64Data?: number[]
  doubleData?: number[]
  externalData?: { key: string; value: string }[]
  dataLocation?: number
}

export interface ValueInfoProto {
  name: string
  type?: { tensorType?: { elemType?: number; shape?: { dim?: { dimValue?: number; dimParam?: string }[] } } }
}

export const dataType = { float: 1, uint8: 2, int32: 6, int64: 7, bool: 9, double: 11 } as const
const attributeType = {
  float: 1,
  int: 2,
  string: 3,
  tensor: 4,
  graph: 5,
  floats: 6,
  ints: 7,
  graphs: 10,
} as const

/** Opset that models built here use. */
export const opsetVersion = 17
const irVersion = 8

const schema = protobuf.Root.fromJSON(onnxSchema)
const modelType = schema.lookupType('onnx.ModelProto')
const graphType = schema.lookupType('onnx.GraphProto')

/** @param origin names the file in messages. @throws ModelError ModelInvalid */
export function decodeModel(bytes: Uint8Array, origin = 'model'): ModelProto {
  let model: ModelProto
  try {
    model = modelType.toObject(modelType.decode(bytes), { longs: Number, arrays: true }) as ModelProto
  } catch (cause) {
    throw new ModelError('ModelInvalid', `${origin} is not an ONNX file: ${(cause as Error).message}`, {
      cause,
    })
  }
  if (model.graph === undefined || model.graph.output.length === 0)
    throw new ModelError('ModelInvalid', `${origin} is not an ONNX file: it holds no graph with an output`)
  return model
}

export function encodeModel(model: ModelProto): Uint8Array {
  return modelType.encode(model as unknown as protobuf.Message).finish()
}

/** As an attribute holds it. */
function encodeGraph(graph: GraphProto): Uint8Array {
  return graphType.encode(graph as unknown as protobuf.Message).finish()
}

/** A model of our own making around a graph. */
export function model(graph: GraphProto, metadata: Readonly<Record<string, string>> = {}): ModelProto {
  return {
    irVersion,
    opsetImport: [{ version: opsetVersion }],
    producerName: 'ekya-operator',
    graph,
    metadataProps: Object.entries(metadata).map(([key, value]) => ({ key, value })),
  }
}

export type Attributes = Readonly<
  Record<
    string,
    | number
    | string
    | readonly number[]
    | TensorProto
    | { readonly float: number }
    | { readonly graph: GraphProto }
  >
>

/** Numbers become integer attributes; a floating-point one is written `{ float: 0.9 }`. */
export function node(
  opType: string,
  input: readonly string[],
  output: readonly string[],
  attributes: Attributes = {},
  name = output[0] ?? opType,
): NodeProto {
  return {
    opType,
    name,
    input: [...input],
    output: [...output],
    attribute: Object.entries(attributes).map(([key, value]) => attribute(key, value)),
  }
}

function attribute(name: string, value: Attributes[string]): AttributeProto {
  if (typeof value === 'number') return { name, type: attributeType.int, i: value }
  if (typeof value === 'string')
    return { name, type: attributeType.string, s: new TextEncoder().encode(value) }
  if (Array.isArray(value)) return { name, type: attributeType.ints, ints: value as number[] }
  if ('graph' in value) return { name, type: attributeType.graph, g: encodeGraph(value.graph as GraphProto) }
  if ('float' in value) return { name, type: attributeType.float, f: value.float as number }
  return { name, type: attributeType.tensor, t: value as TensorProto }
}

const find = (from: NodeProto, name: string) => from.attribute?.find(a => a.name === name)

// Writers by the rules of proto3 leave zeros out: an attribute without a value is 0.
export const intAttribute = (from: NodeProto, name: string, fallback: number): number => {
  const found = find(from, name)
  return found === undefined ? fallback : (found.i ?? 0)
}
export const floatAttribute = (from: NodeProto, name: string, fallback: number): number => {
  const found = find(from, name)
  return found === undefined ? fallback : (found.f ?? 0)
}
export const intsAttribute = (from: NodeProto, name: string): readonly number[] | undefined => {
  const found = find(from, name)
  return found?.ints === undefined || found.ints.length === 0 ? undefined : found.ints
}
export const stringAttribute = (from: NodeProto, name: string, fallback: string): string => {
  const found = find(from, name)?.s
  return found === undefined ? fallback : new TextDecoder().decode(found)
}
/** Whether a node has graphs of its own (If, Loop), which may read what is around them. */
export const holdsGraphs = ({ attribute = [] }: NodeProto): boolean =>
  attribute.some(({ type }) => type === attributeType.graph || type === attributeType.graphs)

export function floatTensor(name: string, dims: readonly number[], values: ArrayLike<number>): TensorProto {
  const copy = Float32Array.from(values)
  return { name, dims: [...dims], dataType: dataType.float, rawData: new Uint8Array(copy.buffer) }
}

export function intTensor(name: string, dims: readonly number[], values: readonly number[]): TensorProto {
  const copy = BigInt64Array.from(values, BigInt)
  return { name, dims: [...dims], dataType: dataType.int64, rawData: new Uint8Array(copy.buffer) }
}

export const elementCount = (dims: readonly number[]): number =>
  dims.reduce((product, dim) => product * dim, 1)

/** A fresh copy of a float32 tensor's values. @throws ModelError ModelInvalid for another type or values outside the file. */
export function floatValues(tensor: TensorProto): Float32Array {
  if (tensor.dataType !== dataType.float || (tensor.externalData?.length ?? 0) > 0)
    throw new ModelError(
      'ModelInvalid',
      `tensor ${tensor.name} has data type ${tensor.dataType}; accepted: float32 stored inside the file`,
    )
  const raw = tensor.rawData
  const values =
    raw !== undefined && raw.length > 0
      ? new Float32Array(raw.buffer.slice(raw.byteOffset, raw.byteOffset + raw.byteLength))
      : Float32Array.from(tensor.floatData ?? [])
  if (values.length !== elementCount(tensor.dims))
    throw new ModelError(
      'ModelInvalid',
      `tensor ${tensor.name} has ${values.length} values but dimensions ${tensor.dims}`,
    )
  return values
}

/** Values of an int64 tensor. @throws ModelError ModelInvalid for another type. */
export function intValues(tensor: TensorProto): number[] {
  if (tensor.dataType !== dataType.int64)
    throw new ModelError(
      'ModelInvalid',
      `tensor ${tensor.name} has data type ${tensor.dataType}; accepted: int64`,
    )
  const raw = tensor.rawData
  if (raw === undefined || raw.length === 0) return [...(tensor.int64Data ?? [])]
  return Array.from(
    new BigInt64Array(raw.buffer.slice(raw.byteOffset, raw.byteOffset + raw.byteLength)),
    Number,
  )
}

/** The value of a tensor of one bool. */
export const isTrue = ({ rawData, int32Data }: TensorProto): boolean =>
  rawData !== undefined && rawData.length > 0 ? rawData.some(byte => byte !== 0) : int32Data?.[0] === 1

/** A string dimension is symbolic (the batch). */
export function floatValue(name: string, dims: readonly (number | string)[]): ValueInfoProto {
  return valueInfo(name, dataType.float, dims)
}

export function valueInfo(
  name: string,
  elemType: number,
  dims: readonly (number | string)[],
): ValueInfoProto {
  return {
    name,
    type: {
      tensorType: {
        elemType,
        shape: { dim: dims.map(dim => (typeof dim === 'string' ? { dimParam: dim } : { dimValue: dim })) },
      },
    },
  }
}
