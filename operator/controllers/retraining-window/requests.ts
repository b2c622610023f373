/**
 * What people ask of single streams by annotation (api/requests.ts), and what that means for plans and models. Pure.
 *
 * A training that was asked for is put to the policy as that of a stream whose model is worth half of what it is: every policy then finds
 * it worth while, and finds it a share as it does for any other. What the status says of it is put right again afterwards. Whether
 * the new model is taken is the gate's to say, as ever.
 */
import type { CameraStream, PastModel, ServedModel, StreamRequests } from '../../api/generated/types.ts'
import { openRetrain, rollbackOf } from '../../api/requests.ts'
import type { StreamSnapshot } from '../../cluster/snapshot.ts'
import type { RetrainingOption, StreamProblem } from '../../scheduler/problem.ts'
import { type PlanItem, trains } from '../plan-status.ts'
import { type Context, iso } from './step.ts'

/** As many models that were served are remembered: the CRD's bound. */
const mostModels = 20
const pressedTo = 0.5

export const isAskedFor = (stream: CameraStream): boolean => openRetrain(stream) !== undefined

/** How a stream whose training was asked for is put to the policy. */
export function pressed(
  accuracyNow: number,
  options: readonly RetrainingOption[],
): Pick<StreamProblem, 'accuracyNow' | 'minAccuracy'> {
  const best = options.reduce((most, { accuracyAfter }) => Math.max(most, accuracyAfter), 0)
  return { accuracyNow: pressedTo * Math.min(accuracyNow, best), minAccuracy: 0 }
}

/**
 * A plan's item with the requests that it was made under, and with true words for a training that was asked for.
 *
 * @param accuracyNow as measured; null: unknown
 * @param reckoned with by the policy
 */
export function underRequests(
  item: PlanItem,
  stream: CameraStream,
  accuracyNow: number | null,
  reckoned: number | null,
): PlanItem {
  const retrain = openRetrain(stream)
  const rollback = rollbackOf(stream)?.value
  const marked = {
    ...item,
    ...(retrain === undefined ? {} : { retrain }),
    ...(rollback === undefined ? {} : { rollback }),
  }
  if (retrain === undefined) return marked
  if (!trains(item))
    return { ...marked, reason: `retraining was asked for: ${item.reason ?? 'the policy gave it no share'}` }
  const { predictedWindow: _, ...rest } = marked
  const scale = accuracyNow !== null && reckoned !== null && reckoned > 0 ? accuracyNow / reckoned : 1
  const predictedBefore =
    item.predictedBefore === undefined
      ? undefined
      : Number(Math.min(1, item.predictedBefore * scale).toFixed(4))
  return {
    ...rest,
    ...(predictedBefore === undefined ? {} : { predictedBefore }),
    reason: `retrain ${item.retrainingConfiguration} as asked for: ${percent(accuracyNow)} → ${percent(item.estimate?.accuracyAfter ?? null)} % for ${(item.gpuSeconds ?? 0).toFixed(1)} GPU-s`,
  }
}

/** What was asked since the plan was made and can still be acted on in this window; undefined: nothing. */
export function askedSince({ site, status }: Context): string | undefined {
  // A site without a plan waits for the next window.
  if (status.plan === undefined || status.plan.policy === 'quick') return undefined
  for (const item of status.plan.items) {
    if (item.state !== 'None' && item.state !== 'Planned') continue
    const stream = site.streams.find(s => s.name === item.stream)
    if (stream === undefined || stream.training !== undefined) continue
    const retrain = openRetrain(stream.stream)
    const where = `window ${status.current?.index}`
    if (retrain !== undefined && item.retrain !== retrain)
      return `${where}: retraining of ${item.stream} was asked for`
    const rollback = rollbackOf(stream.stream)?.value
    if (item.state === 'Planned' && rollback !== undefined && item.rollback !== rollback)
      return `${where}: ${item.stream} was rolled back to an earlier model`
  }
  return undefined
}

/** The model to serve from here on because a rollback asks for it; undefined: none does, or it has been done. */
export function rolledBackTo({ stream }: StreamSnapshot): PastModel | undefined {
  const rollback = rollbackOf(stream)
  if (rollback === undefined || rollback.value === stream.status?.requests?.rollback) return undefined
  return stream.status?.models?.find(({ digest }) => digest === rollback.digest)
}

/** The models that were served, with the one that is. */
export function servedModels(
  { stream }: StreamSnapshot,
  { uri, digest, accuracy, trainedInWindow, initialDigest }: ServedModel,
  now: number,
): readonly PastModel[] {
  const known = stream.status?.models ?? []
  if (digest === undefined || known[0]?.digest === digest) return known
  const first: readonly PastModel[] =
    known.length > 0 || initialDigest === undefined || initialDigest === digest
      ? known
      : [{ uri: stream.spec.model.uri, digest: initialDigest }]
  const served = {
    uri,
    digest,
    ...(accuracy === undefined ? {} : { accuracy }),
    ...(trainedInWindow === undefined ? {} : { trainedInWindow }),
    servedSince: iso(now),
  }
  return [served, ...first.filter(model => model.digest !== digest)].slice(0, mostModels)
}

/** What has been acted on, once the projected status is written; undefined: nothing ever was. */
export function answered({ stream }: StreamSnapshot, item: PlanItem | undefined): StreamRequests | undefined {
  const open = openRetrain(stream)
  const begun = item !== undefined && !['None', 'Planned'].includes(item.state)
  // A training that runs anyway is as good as the one that was asked for.
  const retrained = begun && open !== undefined && (item.retrain === open || item.state === 'Training')
  const retrain = retrained ? open : stream.status?.requests?.retrain
  const rollback = rollbackOf(stream)?.value ?? stream.status?.requests?.rollback
  if (retrain === undefined && rollback === undefined) return undefined
  return {
    ...(retrain === undefined ? {} : { retrain }),
    ...(rollback === undefined ? {} : { rollback }),
  }
}

const percent = (ratio: number | null): string => (ratio === null ? 'unknown' : (ratio * 100).toFixed(1))
