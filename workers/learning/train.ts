/** Fine-tunes a classifier on labelled images: the one-off form of a Trainer. */
import { createTrainer } from './trainer.ts'
import type { TrainingHooks, TrainingOutcome, TrainingRequest } from './training.ts'

/** @throws LearningError, ModelError ModelInvalid; aborts within one step (LearningError Cancelled) after a last onCheckpoint. */
export async function train(
  request: TrainingRequest,
  hooks: TrainingHooks = {},
  signal?: AbortSignal,
): Promise<TrainingOutcome> {
  const trainer = await createTrainer(request.model, {
    threads: request.configuration.threads,
    ...(request.classes === undefined ? {} : { classes: request.classes }),
  })
  try {
    return await trainer.train(request, hooks, signal)
  } finally {
    await trainer.close()
  }
}
