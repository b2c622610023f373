/**
 * A training's state as checkpoints have it: vectors in the order and layout of the file's tensors, however kernels are held while they are trained
 * (held-kernels.ts). How they are depends on what trains, and a checkpoint may go on elsewhere.
 */
import type { HeldKernels } from './held-kernels.ts'
import { inRows } from './rows.ts'
import { packFloats, packSlots, type Slot, unpackValues } from './slots.ts'
import type { Student } from './student.ts'
import type { Checkpoint } from './training.ts'
import type { TrainingGraphs } from './training-graph.ts'

export interface CheckpointLayout {
  /** Of what is trained, in a checkpoint. */
  readonly parameters: readonly Slot[]
  /** Neither shares vectors with what it is made of. */
  checkpointOf(state: Checkpoint): Checkpoint
  stateOf(checkpoint: Checkpoint): Checkpoint
}

/** @param file the student before its kernels were held otherwise */
export function checkpointLayout(
  file: Student,
  { intoFile, fromFile }: Pick<HeldKernels, 'intoFile' | 'fromFile'>,
  graphs: Pick<TrainingGraphs, 'parameters'>,
): CheckpointLayout {
  const trained = new Set(graphs.parameters.map(({ name }) => name))
  const names = new Set(file.layers.flatMap(layer => layer.parameters).filter(name => trained.has(name)))
  const parameters = packSlots(inRows([...names].map(name => file.initializers.get(name)!)))
  const held = (vector: Float32Array): Float32Array =>
    packFloats(graphs.parameters, fromFile(new Map(unpackValues(parameters, vector))))
  const inFile = (vector: Float32Array, rest: 'weights' | 'zeros'): Float32Array =>
    packFloats(parameters, intoFile(new Map(unpackValues(graphs.parameters, vector)), rest))
  return {
    parameters,
    checkpointOf: state => ({
      ...state,
      parameters: inFile(state.parameters, 'weights'),
      velocity: inFile(state.velocity, 'zeros'),
      statistics: state.statistics.slice(),
      bestParameters: inFile(state.bestParameters, 'weights'),
      bestStatistics: state.bestStatistics.slice(),
    }),
    stateOf: checkpoint => ({
      ...checkpoint,
      parameters: held(checkpoint.parameters),
      velocity: held(checkpoint.velocity),
      statistics: checkpoint.statistics.slice(),
      bestParameters: held(checkpoint.bestParameters),
      bestStatistics: checkpoint.bestStatistics.slice(),
    }),
  }
}
