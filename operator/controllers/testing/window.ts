/** Windows under way, as their status and their pods tell, for tests of the state machine. */
import type { RetrainingWindowStatus } from '../../api/generated/types.ts'
import type { SiteSnapshot } from '../../cluster/snapshot.ts'
import { predictPresent } from '../../profiler/pooled/present-windows.ts'
import { planBy } from '../../scheduler/policies/registry.ts'
import type { PlanItem, PlanStatus } from '../plan-status.ts'
import { advance, type Phase } from '../retraining-window/phases.ts'
import { createPlanner } from '../retraining-window/planner.ts'
import { at, pod } from './site.ts'

export const planner = createPlanner(prepare => {
  const request = prepare(predictPresent)
  return { request, plan: planBy(request.policy, request.problem, request.options) }
})
export const inference = (name: string) => ({ name, inference: pod<never>(name, 'inference') })

export const item = (stream: string, overrides: Partial<PlanItem> = {}): PlanItem => ({
  stream,
  node: 'edge-0',
  gpu: '0',
  inferenceShare: 0.3,
  inferenceConfiguration: 'every-frame',
  trainingShare: 0,
  state: 'None',
  ...overrides,
})

export const training = (stream: string, overrides: Partial<PlanItem> = {}): PlanItem =>
  item(stream, {
    trainingShare: 0.4,
    plannedTrainingShare: 0.4,
    retrainingConfiguration: 'all-5',
    state: 'Training',
    startsAt: at(20),
    completesAt: at(40),
    gpuSeconds: 8,
    ...overrides,
  })

export function running(
  phase: Phase,
  items: readonly PlanItem[],
  index = 1,
  rest: Partial<RetrainingWindowStatus> = {},
): RetrainingWindowStatus {
  const plan: PlanStatus = { window: index, decidedAt: at(20), policy: 'thief', items }
  return { current: { index, phase, startedAt: at(0), endsAt: at(100) }, plan, ...rest }
}

export const phaseAfter = (snapshot: SiteSnapshot): Phase | undefined =>
  advance(snapshot, planner).status.current?.phase
