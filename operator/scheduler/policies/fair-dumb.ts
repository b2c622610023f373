/** Fair-dumb: equal shares, and each stream trains what promises the highest accuracy, however long it takes (Ekya's simulator). */

import { definePolicy } from '../policy.ts'
import { mostAccurate } from '../uniform/most-accurate.ts'
import { equalJobs } from '../uniform/split.ts'
import { uniformPlan } from '../uniform/uniform.ts'

/** Option: `inferenceWeight`, the part of each GPU for inference (default: all jobs, inference or training, hold the same). */
export const fairDumb = definePolicy({
  name: 'fair-dumb',
  options: { inferenceWeight: { type: 'number', minimum: 0, maximum: 1 } },
  plan: (problem, { inferenceWeight }) =>
    uniformPlan(problem, {
      policy: 'fair-dumb',
      inferencePart: inferenceWeight === undefined ? equalJobs : total => total * inferenceWeight,
      pick: mostAccurate,
    }),
})
