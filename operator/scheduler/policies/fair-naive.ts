/**
 * Fair-naive: equal shares for all jobs, and each stream trains what promises the highest accuracy of all that would end within the
 * window on a quarter of the site (Ekya's simulator).
 */

import { mostAccurate } from '../most-accurate.ts'
import { definePolicy } from '../policy.ts'
import { equalJobs } from '../split.ts'
import { completionSeconds } from '../training-speed.ts'
import { uniformPlan } from '../uniform.ts'

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
