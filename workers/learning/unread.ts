/** Leaves out what nobody reads: the runtime would compute it in every step. */
import type { GraphProto } from '../models/onnx.ts'

/** Nodes that no output of the graph depends on. Graphs within nodes must read nothing that is made outside. */
export function dropUnread(graph: GraphProto): void {
  const read = new Set(graph.output.map(({ name }) => name))
  graph.node = graph.node.toReversed().filter(node => {
    const isRead = node.output.some(output => read.has(output))
    if (isRead) for (const input of node.input) read.add(input)
    return isRead
  })
  graph.node.reverse()
}
