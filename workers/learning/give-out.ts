/** Gives tensors of a graph out under other names. */
import type { GraphProto } from '../models/onnx.ts'
import type { Emitter } from './gradients/rule.ts'

export interface Given {
  readonly tensor: string
  readonly name: string
}

/**
 * The node that makes a tensor's values writes them under the new name: a Reshape in between would be a copy, so shapes may differ from the tensors'.
 *
 * @param fixed names that others know; what has one is copied
 */
export function giveOut(
  graph: GraphProto,
  emit: Pick<Emitter, 'emitAs'>,
  wanted: readonly Given[],
  fixed: ReadonlySet<string>,
): void {
  const makers = new Map(graph.node.flatMap(node => node.output.map(output => [output, node] as const)))
  const withoutReshapes = (tensor: string): string => {
    const maker = makers.get(tensor)
    return maker?.opType === 'Reshape' ? withoutReshapes(maker.input[0]!) : tensor
  }
  const renamed = new Map<string, string>()
  for (const { tensor, name } of wanted) {
    const source = withoutReshapes(tensor)
    if (makers.has(source) && !fixed.has(source) && !renamed.has(source)) renamed.set(source, name)
    else emit.emitAs('Identity', [source], [name])
  }
  const asNamed = (name: string): string => renamed.get(name) ?? name
  graph.node = graph.node.map(node => ({
    ...node,
    input: node.input.map(asNamed),
    output: node.output.map(asNamed),
  }))
}
