/**
 * Fair-naive: equal shares for all jobs, and each stream trains what promises the highest accuracy of all that would end within the
 * window on a quarter of the site (Ekya's simulator).
 */

import { definePolicy } from '../policy.ts'
import { completionSeconds } from '../training-speed.ts'
import { mostAccurate } from '../uniform/most-accurate.ts'
import { equalJobs } from '../uniform/split.ts'
import { uniformPlan } from '../uniform/uniform.ts'

export const fairNaive = definePolicy({
  name: 'fair-naive',
  plan: problem => {
    const { gpus, gpuCapacity = 1, remainingSeconds, throughputCurve } = problem
    const quarter = (gpus.length * gpuCapacity) / 4
    return uniformPlan(problem, {
      policy: 'fair-naive',
      inferencePart: equalJobs,
      pick: options =>
        mostAccurate(
          options.filter(
            option => completionSeconds(option.gpuSeconds, quarter, throughputCurve) <= remainingSeconds,
          ),
        ),
      because: () => 'no retraining: no configuration would end within the window on a quarter of the GPUs',
    })
  },
})
