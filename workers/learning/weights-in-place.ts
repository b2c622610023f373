/** One step at a time on weights that the runtime reads where they lie, and that are changed there. */
import type { Session, Tensor } from '../models/session.ts'
import { descend } from './descent.ts'
import { evaluationBatch } from './matches.ts'
import { slotTensors } from './slots.ts'
import type { Evaluation, Steps } from './steps.ts'
import type { TrainingGraphs } from './training-graph.ts'
import { wire } from './wire.ts'

export function stepsInPlace(graphs: TrainingGraphs, session: Session): Steps {
  const tensors = new WeakMap<Float32Array, Record<string, Tensor>>()
  const tensorsOf = (parameters: Float32Array): Record<string, Tensor> => {
    const made = tensors.get(parameters) ?? slotTensors(graphs.parameters, parameters)
    tensors.set(parameters, made)
    return made
  }
  return {
    atOnce: () => 1,
    async take(weights, feeds, [rates]) {
      const results = await session.run({ ...feeds, ...tensorsOf(weights.parameters) })
      const data = (name: string) => results[name]!.data as Float32Array
      descend(weights, graphs, data, rates!)
      return { weights, losses: data(wire.loss), logits: data(graphs.logits) }
    },
    close: () => session.release(),
  }
}

export function evaluationInPlace(graphs: TrainingGraphs, session: Session): Evaluation {
  return {
    atOnce: evaluationBatch,
    async logits({ parameters, statistics }, feeds) {
      const results = await session.run({
        ...feeds,
        ...slotTensors(graphs.parameters, parameters),
        ...slotTensors(graphs.statistics, statistics),
      })
      return results[graphs.logits]!.data as Float32Array
    },
    close: () => session.release(),
  }
}
