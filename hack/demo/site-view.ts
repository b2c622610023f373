/** What the demo shows of a site: the status of the resources, boiled down to rows. Pure. */
import type {
  CameraStream,
  RetrainingWindow,
  WindowPlanItem,
  WindowRecord,
} from '../../operator/api/generated/types.ts'

export interface SiteView {
  /** Null before the operator has begun the first window. */
  readonly index: number | null
  readonly phase: string
  readonly policy: string
  /** Milliseconds since the epoch. */
  readonly startedAt: number | null
  readonly endsAt: number | null
  readonly predicted: number | null
  readonly warnings: readonly string[]
  readonly cameras: readonly CameraView[]
  /** Newest first. */
  readonly history: readonly WindowRecord[]
}

export interface CameraView {
  readonly name: string
  readonly ready: boolean
  /** Why it is not ready. */
  readonly problem: string | null
  /** Of the last measured window: what was served, and what the model first deployed would have had. */
  readonly measured: number | null
  readonly firstModel: number | null
  /** For the window that runs. */
  readonly predicted: number | null
  readonly inferenceShare: number | null
  readonly trainingShare: number
  readonly progress: number | null
  readonly configuration: string | null
  readonly state: WindowPlanItem['state'] | null
  readonly accuracyBefore: number | null
  readonly accuracyAfter: number | null
  readonly decision: string | null
}

export function siteView(window: RetrainingWindow | undefined, cameras: readonly CameraStream[]): SiteView {
  const { current, plan, history = [] } = window?.status ?? {}
  const items = new Map(
    plan && plan.window === current?.index ? plan.items.map(item => [item.stream, item]) : [],
  )
  const byName = new Intl.Collator('en', { numeric: true })
  return {
    index: current?.index ?? null,
    phase: current?.phase ?? 'Pending',
    policy: window?.spec.scheduler.policy ?? '',
    startedAt: time(current?.startedAt),
    endsAt: time(current?.endsAt),
    predicted: items.size > 0 ? (plan?.predictedAccuracy ?? null) : null,
    warnings: items.size > 0 ? (plan?.warnings ?? []) : [],
    cameras: [...cameras]
      .sort((a, b) => byName.compare(a.metadata.name, b.metadata.name))
      .map(camera => cameraView(camera, items.get(camera.metadata.name))),
    history: [...history].sort((a, b) => b.index - a.index),
  }
}

function cameraView(camera: CameraStream, item: WindowPlanItem | undefined): CameraView {
  const status = camera.status ?? {}
  const ready = status.conditions?.find(condition => condition.type === 'Ready')
  return {
    name: camera.metadata.name,
    ready: ready?.status === 'True',
    problem: ready && ready.status !== 'True' ? `${ready.reason}: ${ready.message}` : null,
    measured: status.accuracy?.measured ?? null,
    firstModel: status.accuracy?.withoutRetraining ?? null,
    predicted: item?.predictedWindow ?? null,
    inferenceShare: status.allocation?.share ?? null,
    trainingShare: status.retraining?.share ?? 0,
    progress: status.retraining?.progress ?? null,
    configuration: item?.retrainingConfiguration ?? status.retraining?.configuration ?? null,
    state: item?.state ?? null,
    accuracyBefore: item?.accuracyBefore ?? null,
    accuracyAfter: item?.accuracyAfter ?? null,
    decision: item?.reason ?? status.decision ?? null,
  }
}

const time = (text: string | undefined): number | null => {
  const parsed = text === undefined ? Number.NaN : Date.parse(text)
  return Number.isFinite(parsed) ? parsed : null
}
