/**
 * What a training step does to the weights, in place: SGD with momentum (momentum-update.ts; Sutskever's form without dampening, as PyTorch has it)
 * and running statistics that follow those of the batch.
 *
 * Outside the training graph because it is one pass over memory here, and one for each operation there with copies of all weights in and out besides.
 */
import { fastestUpdate } from './momentum-update.ts'
import type { Slot } from './slots.ts'
import type { TrainingGraphs } from './training-graph.ts'
import { wire } from './wire.ts'

export interface Rates {
  readonly learningRate: number
  readonly momentum: number
  /** Of weights with two or more dimensions. */
  readonly weightDecay: number
  /** How much of the running statistics stays, from 0 to 1. */
  readonly keep: number
}

/** Vectors in the order of the graphs' slots. */
export interface Weights {
  readonly parameters: Float32Array
  readonly velocity: Float32Array
  readonly statistics: Float32Array
}

/** @param result what the step graph gave under a name */
export function descend(
  weights: Weights,
  { parameters, statistics }: Pick<TrainingGraphs, 'parameters' | 'statistics'>,
  result: (name: string) => Float32Array,
  rates: Rates,
  update = fastestUpdate(),
): void {
  for (const slot of parameters)
    update(
      part(weights.parameters, slot),
      part(weights.velocity, slot),
      result(wire.gradient(slot.name)),
      rates.learningRate,
      rates.momentum,
      slot.dims.length > 1 ? rates.weightDecay : 0,
    )
  for (const slot of statistics)
    follow(part(weights.statistics, slot), result(wire.batch(slot.name)), rates.keep)
}

const part = (vector: Float32Array, { offset, size }: Slot): Float32Array =>
  vector.subarray(offset, offset + size)

function follow(running: Float32Array, batch: Float32Array, keep: number): void {
  for (let i = 0; i < batch.length; i++) running[i] = keep * running[i]! + (1 - keep) * batch[i]!
}
