/** No retraining: each GPU is split evenly among the inference jobs on it. The baseline that shows what drift costs. */
import { definePolicy } from '../policy.ts'
import { uniformPlan } from '../uniform/uniform.ts'

export const none = definePolicy({
  name: 'none',
  plan: problem =>
    uniformPlan(
      { ...problem, streams: problem.streams.map(stream => ({ ...stream, running: undefined })) },
      {
        policy: 'none',
        inferencePart: total => total,
        pick: () => undefined,
        because: () => 'no retraining: policy none',
      },
    ),
})
