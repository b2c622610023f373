/** No retraining: each GPU is split evenly among the inference jobs on it. The baseline that shows what drift costs. */
import { emptyPlan, toPlan } from '../draft.ts'
import { createPicker } from '../pick-configurations.ts'
import { spread } from '../placement.ts'
import type { Plan, PolicyOptions } from '../plan.ts'
import type { Problem } from '../problem.ts'
import { checkOptions } from './options.ts'
import { splitGpus } from './split.ts'

export function none(problem: Problem, options: PolicyOptions): Plan {
  checkOptions('none', options, {})
  const empty = emptyPlan('none', problem)
  if (empty !== undefined) return empty
  const idle = { ...problem, streams: problem.streams.map(stream => ({ ...stream, running: undefined })) }
  const gpus = spread(idle.streams, problem.gpus)
  const shares = splitGpus(
    problem,
    gpus,
    perGpu => perGpu,
    () => false,
  )
  const picker = createPicker(idle)
  return toPlan(problem, {
    policy: 'none',
    gpus,
    shares,
    choices: shares.map((own, i) => picker.pick(i, own)),
    reasons: problem.streams.map(stream => stream.noRetrainingBecause ?? 'no retraining: policy none'),
    warnings: [],
  })
}
