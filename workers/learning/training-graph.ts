/**
 * Writes a student's training as ONNX graphs.
 *
 *   frozen      input → boundary                                 the part below the trained layers; absent when everything is trained
 *   step        boundary, targets, parameters                    forward, softmax cross-entropy, backward
 *               → gradients, statistics of the batch, loss, logits
 *   evaluation  boundary, parameters, statistics → logits        the trained part as it is served
 *
 * Every weight is an input under its own name, so that the runtime reads it where it lies and nothing is copied. What a step does to the
 * weights is outside (descent.ts): in place, in one pass. `statistics` are BatchNormalization's running mean and variance.
 * `targets` [N, classes] are one-hot rows times the sample's weight; weights of a batch that sum to 1 give the weighted mean.
 *
 * Where weights would have to be copied, step and evaluation are of many batches at once: many-at-once.ts.
 */
import { encodeModel, floatValue, holdsGraphs, type NodeProto } from '../models/onnx.ts'
import { type Boundary, type Cut, type CutOptions, cutAt, initializersOf } from './cut.ts'
import { emitter } from './emitter.ts'
import { giveOut } from './give-out.ts'
import type { Dims } from './gradients/rule.ts'
import { asValue, graphOf, modelOf, namesOf, stepOpset, untyped } from './graph-parts.ts'
import { manyEvaluations, manySteps } from './many-at-once.ts'
import type { Slot } from './slots.ts'
import { classesOf, writeStep } from './step-nodes.ts'
import type { Strengths } from './strengths.ts'
import type { Student } from './student.ts'
import { dropUnread } from './unread.ts'
import { wire } from './wire.ts'

export interface TrainingGraphs {
  readonly boundary: readonly Boundary[]
  readonly frozen: Uint8Array | null
  readonly step: Uint8Array
  readonly evaluation: Uint8Array
  readonly parameters: readonly Slot[]
  readonly statistics: readonly Slot[]
  readonly logits: string
}

/** @throws LearningError OperatorUnsupported, ModelInvalid */
export function writeTrainingGraphs(
  student: Student,
  shapes: ReadonlyMap<string, Dims>,
  options: CutOptions & { readonly strengths: Strengths },
): TrainingGraphs {
  const cut = cutAt(student, shapes, options)
  const { strengths } = options
  const { boundary, parameters, statistics } = cut
  const write = strengths.weightsInPlace
    ? { step: oneStep, evaluation: oneEvaluation }
    : { step: manySteps, evaluation: manyEvaluations }
  return {
    ...{ boundary, parameters, statistics },
    frozen: frozenModel(student, cut),
    step: write.step(student, shapes, cut, strengths),
    evaluation: write.evaluation(student, shapes, cut),
    logits: student.output,
  }
}

function frozenModel(student: Student, { trained, boundary }: Cut): Uint8Array | null {
  const wanted = new Set(boundary.map(each => each.name))
  if (wanted.size === 1 && wanted.has(student.input)) return null
  const skipped = new Set(trained)
  // What graphs within nodes read is not seen here.
  const whole = student.nodes.some(holdsGraphs)
  const needed: NodeProto[] = []
  for (const node of student.nodes.toReversed()) {
    if (skipped.has(node) || !(whole || node.output.some(name => wanted.has(name)))) continue
    for (const name of node.input) wanted.add(name)
    needed.unshift(node)
  }
  const { model } = student
  return encodeModel({
    ...model,
    graph: {
      name: 'frozen',
      node: needed,
      initializer: initializersOf(student, name => whole || wanted.has(name)),
      input: model.graph.input.filter(value => value.name === student.input),
      output: boundary
        .filter(each => each.name !== student.input)
        .map(each => floatValue(each.name, ['N', ...each.dims])),
    },
  })
}

function oneEvaluation(student: Student, _: ReadonlyMap<string, Dims>, cut: Cut): Uint8Array {
  const graph = graphOf('evaluation', student, cut)
  graph.input.push(...cut.parameters.map(asValue), ...cut.statistics.map(asValue))
  graph.node.push(...cut.fixed, ...cut.trained)
  graph.output.push(untyped(student.output))
  return encodeModel(modelOf(graph, student.opset))
}

function oneStep(
  student: Student,
  shapes: ReadonlyMap<string, Dims>,
  cut: Cut,
  strengths: Strengths,
): Uint8Array {
  const graph = graphOf('step', student, cut)
  graph.input.push(
    ...cut.parameters.map(asValue),
    floatValue(wire.targets, ['N', classesOf(student, shapes)]),
  )
  const names = namesOf(student, cut)
  const emit = emitter(graph, names)
  giveOut(graph, emit, writeStep(graph, emit, student, shapes, cut, strengths), names)
  const outputs = [
    ...[wire.loss, student.output],
    ...cut.parameters.map(({ name }) => wire.gradient(name)),
    ...cut.statistics.map(({ name }) => wire.batch(name)),
  ]
  graph.output.push(...outputs.map(untyped))
  dropUnread(graph)
  return encodeModel(modelOf(graph, stepOpset(student)))
}
