/**
 * The conditions of a RetrainingWindow, from its snapshot and the status that is about to be written. Pure.
 */
import { type ConditionInput, type Reason, windowConditions } from '../../api/conditions.ts'
import type { RetrainingWindowStatus } from '../../api/generated/types.ts'
import { skewedClocks } from '../../cluster/clock-skew.ts'
import { activeStreams, excessStreams, mostStreams, type SiteSnapshot } from '../../cluster/snapshot.ts'
import type { SiteGpu } from '../../sharing/backend.ts'

type Judgement = Pick<ConditionInput, 'status' | 'reason' | 'message'>

export function windowConditionInputs(
  site: SiteSnapshot,
  status: RetrainingWindowStatus,
): readonly ConditionInput[] {
  const observedGeneration = site.window.metadata.generation
  const suspended = site.window.spec.suspended === true
  return [
    { type: windowConditions.Ready, ...ready(site, status), observedGeneration },
    { type: windowConditions.Scheduled, ...scheduled(status), observedGeneration },
    {
      type: windowConditions.Suspended,
      status: suspended,
      reason: suspended ? 'SuspendedByUser' : 'Active',
      message: suspended
        ? 'spec.suspended is true: inference goes on, nothing is retrained'
        : 'not suspended',
      observedGeneration,
    },
  ]
}

/** The first that applies decides, in the order in which a person would ask. */
function ready(site: SiteSnapshot, status: RetrainingWindowStatus): Judgement {
  const not = (reason: Reason, message: string): Judgement => ({ status: false, reason, message })
  const { phase, index } = status.current ?? {}
  if (site.window.spec.suspended === true) return not('SuspendedByUser', 'spec.suspended is true')
  if (site.streams.length === 0)
    return not(
      'NoStreams',
      `spec.streamSelector ${JSON.stringify(site.window.spec.streamSelector)} matches no CameraStream in the namespace`,
    )
  if (activeStreams(site).length === 0)
    return not(
      'NoStreams',
      'all selected CameraStreams are suspended, have a source that workers cannot read yet, or ask by spec.nodeSelector for nodes that the site does not have',
    )
  if (site.gpus.length === 0)
    return not(
      'NoGpu',
      `no node that matches spec.gpus.nodeSelector ${JSON.stringify(site.window.spec.gpus.nodeSelector)} offers a GPU; accepted are ready nodes with the label ekya.dev/sharing-backend, or with GPUs that the node agent tells of${leftOut(site)}`,
    )
  if (phase === undefined || phase === 'Pending') {
    const waiting = activeStreams(site)
      .filter(s => s.inference?.ready !== true)
      .map(s => s.name)
    return not('WaitingForStreams', `waiting for ${waiting.join(', ') || 'the first look at the streams'}`)
  }
  if (phase === 'Retraining' && status.plan?.policy === 'quick')
    return not('PlanFailed', status.plan.warnings?.[0] ?? 'the policy made no plan')
  if (phase === 'Completed')
    return { status: true, reason: 'Completed', message: 'the window ran once, as spec.repeat asks' }
  const excess = excessStreams(site)
  if (excess > 0)
    return {
      status: true,
      reason: 'TooManyStreams',
      message: `window ${index} runs with the ${mostStreams} oldest streams; ${excess} more are selected and take no part: divide them among several RetrainingWindows`,
    }
  const faults = site.gpus.filter(({ fault }) => fault !== undefined)
  if (faults.length > 0)
    return {
      status: true,
      reason: 'GpuFault',
      message: `window ${index} runs; ${faults.map(faultOf).join('; ')}`,
    }
  const cutOff = (site.lostNodes ?? []).filter(({ leftOut }) => !leftOut)
  if (cutOff.length > 0)
    return {
      status: true,
      reason: 'NodeNotReady',
      message: `window ${index} runs; ${cutOff.map(({ node, problem }) => `node ${node}: ${problem}`).join('; ')}; its pods stay, because no other node of the site offers a GPU`,
    }
  const clocks = skewedClocks(site.pods)
  if (clocks.length > 0)
    return {
      status: true,
      reason: 'ClockSkew',
      message: `window ${index} runs; ${clocks.join('; ')}: have both set by NTP`,
    }
  if ((site.refusedGpus ?? []).length > 0)
    return { status: true, reason: 'GpusLeftOut', message: `window ${index} runs${leftOut(site)}` }
  return { status: true, reason: 'Running', message: `window ${index} runs` }
}

const faultOf = ({ node, gpu, fault, faultLasts }: SiteGpu): string =>
  `GPU ${node}/${gpu}: ${fault}${faultLasts ? '; its streams go elsewhere as far as there is room' : ''}`

const leftOut = ({ refusedGpus = [] }: SiteSnapshot): string =>
  refusedGpus.length === 0 ? '' : `; left out: ${refusedGpus.join('; ')}`

function scheduled({ current, plan }: RetrainingWindowStatus): Judgement {
  if (current?.phase !== 'Retraining' || plan === undefined)
    return {
      status: false,
      reason: 'WaitingForPlan',
      message: 'no plan is in force; inference runs on the quick schedule',
    }
  return { status: true, reason: 'Planned', message: `window ${plan.window} is planned by ${plan.policy}` }
}
