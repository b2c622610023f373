/**
 * How one operator is trained.
 *
 * A rule emits its node's forward computation into the training graph and returns a function that emits the backward one: given the
 * name of the loss gradient of the node's first output, it returns one gradient name per input (undefined: none).
 * A rule that cannot honour an attribute calls `refuse`, which names the node and what is accepted.
 *
 * Nodes come as the student has them (opset 13 to 22); what rules emit is of opset 18, where axes of reductions are inputs.
 *
 * One file per operator; `registry.ts` lists them.
 */
import {
  type AttributeProto,
  type Attributes,
  intsAttribute,
  intValues,
  type NodeProto,
  type TensorProto,
} from '../../models/onnx.ts'
import type { Strengths } from '../strengths.ts'

/**
 * `gradients` has one per output; undefined: the loss does not depend on that output. A rule of an operator with one output may rely on
 * `gradient`, that of the first.
 */
export type Backward = (
  gradient: string,
  gradients: readonly (string | undefined)[],
) => readonly (string | undefined)[]
export type GradientRule = (context: NodeContext) => Backward

/** Dimensions of a tensor; null is the batch (or unknown). */
export type Dims = readonly (number | null)[]

export interface NodeContext extends Emitter {
  readonly node: NodeProto
  /** Emits the node as it stands, or with more outputs than it had. */
  copy(outputs?: readonly string[]): void
  /** Emits the node for other tensors, possibly with other attributes. */
  copyAs(inputs: readonly string[], outputs: readonly string[], attribute?: AttributeProto[]): void
  /** Whether the loss gradient of this input is needed. */
  wants(input: number): boolean
  dims(tensor: string): Dims
  /** The value of this input where the file holds it and no training changes it. */
  constant(input: number): TensorProto | undefined
  /** The student's node that makes a tensor. */
  maker(tensor: string): NodeProto | undefined
  /** The name under which the graph gives the batch's value of a running statistic (an input of this node), for the rule to fill. */
  batchStatistic(input: number): string
  /** Of what runs the graph. */
  readonly strengths: Strengths
  /** The number of images in the batch, as a float without dimensions. */
  images(): string
  /** Whether the parameters of this node are trained; BatchNormalization uses the batch's statistics only then. */
  readonly trained: boolean
  /** @throws LearningError OperatorUnsupported */
  refuse(reason: string): never
}

/** Adds nodes and constants to a graph; returns the names of the tensors made. */
export interface Emitter {
  /** @param domain where it is not ONNX's own */
  emit(opType: string, inputs: readonly string[], attributes?: Attributes, domain?: string): string
  /** As `emit`; what was emitted so before is not emitted again. */
  once(opType: string, inputs: readonly string[], attributes?: Attributes, domain?: string): string
  /** With output names of the caller's choice. */
  emitAs(opType: string, inputs: readonly string[], outputs: readonly string[], attributes?: Attributes): void
  /** A name that nothing else has. */
  fresh(hint: string): string
  /** int64 constant, one-dimensional. */
  ints(values: readonly number[]): string
  /** float32 constant; without dims a scalar. */
  floats(values: ArrayLike<number>, dims?: readonly number[]): string
}

/** The dimensions behind the batch. Refuses what is not known when the graph is written. */
export function sampleDims(context: Pick<NodeContext, 'dims' | 'refuse'>, tensor: string): readonly number[] {
  const dims = context.dims(tensor).slice(1)
  if (dims.some(dim => dim === null))
    context.refuse(`tensor ${tensor} has a dimension that is not known beforehand`)
  return dims as number[]
}

/** An axis counted from the front. */
export const fromFront = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis)

/**
 * Integers that older opsets hold in an attribute and newer ones in an input. Undefined: neither is given.
 * Refuses an input that is computed when the graph runs.
 */
export function integers(context: NodeContext, name: string, input: number): readonly number[] | undefined {
  const { node } = context
  const attribute = intsAttribute(node, name)
  if (attribute !== undefined || !node.input[input]) return attribute
  const tensor = context.constant(input)
  return tensor === undefined
    ? context.refuse(`${name} (${node.input[input]}) is computed; accepted: a constant`)
    : intValues(tensor)
}
