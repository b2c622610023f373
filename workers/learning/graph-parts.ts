/** What graphs of a student's training have in common. */
import { blockedDomain, extraDomain } from '../models/blocked-layout.ts'
import { floatValue, type GraphProto, type ModelProto, model, type ValueInfoProto } from '../models/onnx.ts'
import { type Cut, constantsOf } from './cut.ts'
import type { Slot } from './slots.ts'
import type { Student } from './student.ts'
import { wire } from './wire.ts'

/** What the gradient rules emit: nodes of opset 18, which mean the same up to 22. */
const emittedOpset = 18

export const stepOpset = ({ opset }: Student): number => Math.max(emittedOpset, opset)

const runtimeDomains = [blockedDomain, extraDomain].map(domain => ({ domain, version: 1 }))

export function modelOf(graph: GraphProto, opset: number): ModelProto {
  return { ...model(graph), opsetImport: [{ version: opset }, ...runtimeDomains] }
}

/** A graph without nodes, with the constants of the trained part and its boundary as inputs. */
export function graphOf(name: string, student: Student, cut: Cut): GraphProto {
  const input = cut.boundary.map(each => floatValue(each.name, ['N', ...each.dims]))
  return { name, node: [], initializer: constantsOf(student, cut), input, output: [] }
}

export const asValue = ({ name, dims }: Slot): ValueInfoProto => floatValue(name, dims)

/** Floats of whatever shape. */
export const untyped = (name: string): ValueInfoProto => ({ name, type: { tensorType: { elemType: 1 } } })

/** Names that nothing else may get. */
export const namesOf = (student: Student, { parameters, statistics }: Cut): Set<string> =>
  new Set([
    ...student.nodes.flatMap(node => [...node.input, ...node.output, node.name ?? '']),
    ...student.initializers.keys(),
    ...[wire.targets, wire.loss],
    ...parameters.map(({ name }) => wire.gradient(name)),
    ...statistics.map(({ name }) => wire.batch(name)),
  ])
