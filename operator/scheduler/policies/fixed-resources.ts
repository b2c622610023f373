/**
 * Fixed-resources (Ekya-FixedRes, Fig. 10a): half of each GPU serves and half trains, each split evenly, and each stream trains what
 * is best for it at its shares.
 */
import { assumedAccuracies, promising } from '../objective.ts'
import { spread } from '../placement.ts'
import { definePolicy } from '../policy.ts'
import { toShare } from '../share-grid.ts'
import { singleCameraOptimum } from '../uniform/single-camera.ts'
import { splitGpus } from '../uniform/split.ts'
import { uniformPlan } from '../uniform/uniform.ts'

/** Option: `inferenceWeight`, the part of each GPU for inference (default 0.5). */
export const fixedResources = definePolicy({
  name: 'fixed-resources',
  options: { inferenceWeight: { type: 'number', minimum: 0, maximum: 1 } },
  plan: (problem, { inferenceWeight = 0.5 }) => {
    const accuracies = assumedAccuracies(problem.streams)
    const inferencePart = (total: number): number => total * inferenceWeight
    const gpus = spread(problem)
    const trains = problem.streams.map((stream, i) => promising(stream, accuracies[i]!).length > 0)
    const steps = splitGpus(problem, gpus, inferencePart, i => trains[i]!)
    return uniformPlan(problem, {
      policy: 'fixed-resources',
      inferencePart,
      pick: (options, stream, i) =>
        singleCameraOptimum(problem, stream, accuracies[i]!, options, {
          inference: toShare(steps[i]!.inference, problem.step),
          training: toShare(steps[i]!.training, problem.step),
        }),
    })
  },
})
