/**
 * A Relu that only a MaxPool reads moves behind it. Of several values the largest stays the largest, so both orders give the same and have the
 * same gradient, and behind the pooling there are as many times fewer values as windows move places.
 */
import { intsAttribute, type NodeProto } from '../models/onnx.ts'
import type { Dims } from './gradients/rule.ts'

export interface Part {
  /** In order; all that read what one of them gives. */
  readonly nodes: readonly NodeProto[]
  readonly shapes: ReadonlyMap<string, Dims>
}

/**
 * @param output what is read besides
 * @param fresh a name that nothing else has
 */
export function reluAfterPooling(
  { nodes, shapes }: Part,
  output: string,
  fresh: (hint: string) => string,
): Part {
  const readers = Map.groupBy(
    nodes.flatMap(node => node.input.map(name => ({ name, node }))),
    ({ name }) => name,
  )
  const relus = new Map<NodeProto, NodeProto>()
  for (const relu of nodes) {
    const [result] = relu.output as [string]
    const [reader, ...others] = readers.get(result) ?? []
    if (relu.opType !== 'Relu' || result === output || reader === undefined || others.length > 0) continue
    if (canComeFirst(reader.node)) relus.set(reader.node, relu)
  }
  const moved = new Set(relus.values())
  const known = new Map(shapes)
  const reordered = nodes.flatMap(node => {
    if (moved.has(node)) return []
    const relu = relus.get(node)
    if (relu === undefined) return [node]
    const [result] = node.output as [string]
    const pooled = fresh(`${result}/pooled`)
    const dims = shapes.get(result)
    if (dims !== undefined) known.set(pooled, dims)
    return [
      { ...node, input: relu.input, output: [pooled] },
      { ...relu, input: [pooled], output: [result] },
    ]
  })
  return { nodes: reordered, shapes: known }
}

/** A window with gaps may meet padding alone, whose value no Relu may touch. */
const canComeFirst = (node: NodeProto): boolean =>
  node.opType === 'MaxPool' &&
  !node.output[1] &&
  (intsAttribute(node, 'dilations') ?? []).every(dilation => dilation === 1)
