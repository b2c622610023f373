/**
 * Collects nodes and constants of a graph under construction, with names that do not collide and equal constants shared. A Transpose that undoes
 * another is left out.
 */
import { floatTensor, type GraphProto, intTensor, node } from '../models/onnx.ts'
import type { Emitter } from './gradients/rule.ts'

/** @param taken names that the graph already uses. */
export function emitter(graph: GraphProto, taken: Iterable<string>): Emitter {
  const names = new Set(taken)
  const constants = new Map<string, string>()

  const fresh = (hint: string): string => {
    let name = hint
    for (let i = 1; names.has(name); i++) name = `${hint}.${i}`
    names.add(name)
    return name
  }
  const constant = (key: string, make: (name: string) => GraphProto['initializer'][number]): string => {
    const known = constants.get(key)
    if (known !== undefined) return known
    const tensor = make(fresh('constant'))
    graph.initializer.push(tensor)
    constants.set(key, tensor.name!)
    return tensor.name!
  }
  const emitAs: Emitter['emitAs'] = (opType, inputs, outputs, attributes = {}) => {
    graph.node.push(node(opType, inputs, outputs, attributes, fresh(`${opType}/${outputs[0]}`)))
  }
  /** What each Transpose was made of, by what it gives. */
  const transposed = new Map<string, { readonly from: string; readonly perm: readonly number[] }>()
  const emit: Emitter['emit'] = (opType, inputs, attributes = {}, domain) => {
    const [from] = inputs as [string]
    const perm = opType === 'Transpose' ? (attributes.perm as readonly number[]) : undefined
    const before = transposed.get(from)
    if (perm !== undefined && before !== undefined && perm.every((axis, i) => before.perm[axis] === i))
      return before.from
    const output = fresh(`${opType.toLowerCase()}`)
    emitAs(opType, inputs, [output], attributes)
    if (domain !== undefined) graph.node.at(-1)!.domain = domain
    if (perm !== undefined) transposed.set(output, { from, perm })
    return output
  }
  const emitted = new Map<string, string>()
  return {
    fresh,
    emitAs,
    emit,
    once(opType, inputs, attributes, domain) {
      const key = JSON.stringify([domain, opType, inputs, attributes])
      const output = emitted.get(key) ?? emit(opType, inputs, attributes, domain)
      emitted.set(key, output)
      return output
    },
    ints: values => constant(`i:${values.join()}`, name => intTensor(name, [values.length], values)),
    floats: (values, dims = []) =>
      constant(`f:${dims.join()}:${Array.from(values).join()}`, name => floatTensor(name, dims, values)),
  }
}
