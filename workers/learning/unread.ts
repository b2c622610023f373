/** Leaves out what nobody reads: the runtime would compute it in every step. */
import { type GraphProto, holdsGraphs } from '../models/onnx.ts'

/** Nodes and tensors that no output of the graph depends on. */
export function dropUnread(graph: GraphProto): void {
  // What graphs within nodes read is not seen here.
  if (graph.node.some(holdsGraphs)) return
  const read = new Set(graph.output.map(({ name }) => name))
  graph.node = graph.node.toReversed().filter(node => {
    const isRead = node.output.some(output => read.has(output))
    if (isRead) for (const input of node.input) read.add(input)
    return isRead
  })
  graph.node.reverse()
  graph.initializer = graph.initializer.filter(({ name }) => read.has(name!))
}
