/**
 * Fair-sco: equal shares for all jobs, and each stream trains what gives it the best mean accuracy when it alone is looked at, with
 * half of the site (Ekya's single-camera optimiser).
 */
import { assumedAccuracies } from '../objective.ts'
import { definePolicy } from '../policy.ts'
import { singleCameraOptimum } from '../uniform/single-camera.ts'
import { equalJobs } from '../uniform/split.ts'
import { uniformPlan } from '../uniform/uniform.ts'

export const fairSco = definePolicy({
  name: 'fair-sco',
  plan: problem => {
    const half = (problem.gpus.length * (problem.gpuCapacity ?? 1)) / 2
    const accuracies = assumedAccuracies(problem.streams)
    return uniformPlan(problem, {
      policy: 'fair-sco',
      inferencePart: equalJobs,
      pick: (options, stream, i) =>
        singleCameraOptimum(problem, stream, accuracies[i]!, options, { inference: half, training: half }),
    })
  },
})
