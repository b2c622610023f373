/** Fine-tunes a classifier on labelled images. */
import { LearningError } from './errors.ts'
import type { TrainingHooks, TrainingOutcome, TrainingRequest } from './training.ts'

export async function train(
  _request: TrainingRequest,
  _hooks: TrainingHooks = {},
  _signal?: AbortSignal,
): Promise<TrainingOutcome> {
  throw new LearningError('OperatorUnsupported', 'not written yet')
}
