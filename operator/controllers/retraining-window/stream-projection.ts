/**
 * What a window's plan means for one stream's status: its allocation, model, accuracy, retraining and the decision in words. Pure.
 *
 * The fields here belong to the retraining-window controller; conditions and frames belong to the camera-stream controller.
 */
import type { CameraStreamStatus, ServedModel } from '../../api/generated/types.ts'
import type { SiteSnapshot, StreamSnapshot } from '../../cluster/snapshot.ts'
import type { ShareReading } from '../../sharing/backend.ts'
import { type PlanItem, rolledBackSince, startedFromSpec, trains } from '../plan-status.ts'
import { answered, rolledBackTo, servedModels } from './requests.ts'

export type ProjectedStatus = Pick<
  CameraStreamStatus,
  'window' | 'allocation' | 'model' | 'models' | 'requests' | 'accuracy' | 'retraining' | 'decision'
>

/** @param reading what the stream's inference pod holds; absent while there is none. */
export function streamProjection(
  site: SiteSnapshot,
  stream: StreamSnapshot,
  reading: ShareReading | undefined,
): ProjectedStatus {
  const { current, plan } = site.window.status ?? {}
  const item = plan?.items.find(i => i.stream === stream.name)
  const accuracy = accuracyOf(site, stream.name, item)
  const model = modelOf(stream, item, current?.index)
  const models = servedModels(stream, model, site.now)
  const requests = answered(stream, item)
  return {
    window: { name: site.window.metadata.name, ...(current === undefined ? {} : { index: current.index }) },
    ...(item === undefined || reading === undefined
      ? {}
      : {
          allocation: {
            node: item.node,
            gpu: item.gpu,
            share: Number(reading.actual.toFixed(3)),
            configuration: item.inferenceConfiguration,
          },
        }),
    model,
    ...(models.length === 0 ? {} : { models }),
    ...(requests === undefined ? {} : { requests }),
    ...(Object.keys(accuracy).length === 0 ? {} : { accuracy }),
    ...(item !== undefined && trains(item) ? { retraining: retrainingOf(stream, item) } : {}),
    ...(item?.reason === undefined ? {} : { decision: item.reason }),
  }
}

function modelOf(stream: StreamSnapshot, item: PlanItem | undefined, index: number | undefined): ServedModel {
  const { uri } = stream.stream.spec.model
  const known = stream.stream.status?.model
  const base: ServedModel = known?.initialUri === uri ? known : { uri, initialUri: uri }
  const earlier = rolledBackTo(stream)
  if (earlier !== undefined && base.initialDigest !== undefined) {
    const { servedSince: _, ...model } = earlier
    const { initialUri, initialDigest } = base
    return { ...model, version: shortDigest(model.digest), initialUri, initialDigest }
  }
  if (
    item?.state === 'Accepted' &&
    item.model !== undefined &&
    base.initialDigest !== undefined &&
    startedFromSpec(item, stream.stream) &&
    !rolledBackSince(item, stream.stream)
  ) {
    return {
      ...base,
      ...item.model,
      version: shortDigest(item.model.digest),
      ...(item.accuracyAfter === undefined ? {} : { accuracy: item.accuracyAfter }),
      ...(index === undefined ? {} : { trainedInWindow: index }),
    }
  }
  const loaded = stream.inference?.status?.model
  if (base.initialDigest !== undefined || !loaded?.digest || loaded.uri !== uri) return base
  return { ...base, digest: loaded.digest, version: shortDigest(loaded.digest), initialDigest: loaded.digest }
}

function accuracyOf(site: SiteSnapshot, name: string, item: PlanItem | undefined) {
  const measured = (site.window.status?.history ?? []).find(entry =>
    entry.streams?.some(s => s.name === name && s.realised !== undefined),
  )
  const record = measured?.streams?.find(s => s.name === name)
  return {
    ...(measured === undefined || record === undefined
      ? {}
      : { measured: record.realised, withoutRetraining: record.withoutRetraining, window: measured.index }),
    ...(item?.predictedWindow === undefined ? {} : { predicted: item.predictedWindow }),
  }
}

/** Progress in tenths: every step of it is a write to the API. */
function retrainingOf(stream: StreamSnapshot, item: PlanItem) {
  const progress = stream.training?.status?.progress
  return {
    configuration: item.retrainingConfiguration!,
    share: item.trainingShare,
    ...(progress === undefined ? {} : { progress: Math.floor(progress * 10) / 10 }),
    ...(item.completesAt === undefined ? {} : { completesAt: item.completesAt }),
  }
}

const shortDigest = (digest: string): string => digest.slice(0, 8)
