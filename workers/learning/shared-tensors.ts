/**
 * Exporters store equal tensors once: the unit scales and zero biases of many layers are then one tensor, which several nodes read, directly
 * or through an Identity. What is trained must not change with another layer's weight, so it gets a tensor of its own.
 */
import {
  floatValues,
  holdsGraphs,
  type ModelProto,
  type NodeProto,
  type TensorProto,
} from '../models/onnx.ts'

/** Where a layer reads a tensor. */
export interface Place {
  /** First output of the node. */
  readonly output: string
  readonly input: number
  readonly tensor: string
  /** A running mean or variance. */
  readonly statistic: boolean
}

/** Nodes that read each initializer itself where they read it through Identity nodes, and without those. */
export function withoutAliases(
  nodes: readonly NodeProto[],
  initializers: ReadonlyMap<string, TensorProto>,
): readonly NodeProto[] {
  const sources = new Map<string, string>()
  for (const { opType, input, output } of nodes) {
    const source = sources.get(input[0] ?? '') ?? input[0] ?? ''
    if (opType === 'Identity' && initializers.has(source)) sources.set(output[0]!, source)
  }
  // Graphs within nodes may read the other names.
  if (sources.size === 0 || nodes.some(holdsGraphs)) return nodes
  return nodes
    .filter(({ output }) => !sources.has(output[0]!))
    .map(node => ({ ...node, input: node.input.map(name => sources.get(name) ?? name) }))
}

/** As training sees a file. */
interface Read {
  readonly model: ModelProto
  readonly nodes: readonly NodeProto[]
  readonly initializers: ReadonlyMap<string, TensorProto>
}

/**
 * The file with a tensor for each of these places that shares its own with another; undefined where none does. A weight that varies is shared by
 * intent, for a layer that is used several times, and stays; all values alike are an exporter's saving.
 */
export function withOwnTensors(
  { model, nodes, initializers }: Read,
  places: readonly Place[],
): ModelProto | undefined {
  const readers = Map.groupBy(
    nodes.flatMap(({ input }) => input),
    name => name,
  )
  const shared = places.filter(
    ({ tensor, statistic }) =>
      readers.get(tensor)!.length > 1 && (statistic || isUniform(initializers.get(tensor)!)),
  )
  if (shared.length === 0) return undefined

  const taken = new Set([...initializers.keys(), ...nodes.flatMap(({ output }) => output)])
  const fresh = (name: string): string => (taken.has(name) ? fresh(`${name}.own`) : name)
  const copies = shared.map(place => ({ ...place, name: fresh(`${place.output}/${place.input}`) }))
  const { graph } = model
  const node = graph.node.map(each => {
    const own = copies.filter(({ output }) => output === each.output[0])
    if (own.length === 0) return each
    return { ...each, input: each.input.map((name, i) => own.find(({ input }) => input === i)?.name ?? name) }
  })
  const read = new Set(node.flatMap(({ input }) => input))
  // What graphs within nodes read is not seen here.
  const replaced = new Set(
    nodes.some(holdsGraphs) ? [] : shared.map(({ tensor }) => tensor).filter(tensor => !read.has(tensor)),
  )
  const added = copies.map(({ name, tensor }) => ({ ...initializers.get(tensor)!, name }))
  return {
    ...model,
    graph: {
      ...graph,
      node,
      initializer: [...graph.initializer.filter(({ name }) => !replaced.has(name!)), ...added],
    },
  }
}

const isUniform = (tensor: TensorProto): boolean => {
  const [first, ...others] = floatValues(tensor)
  return others.every(value => value === first)
}
