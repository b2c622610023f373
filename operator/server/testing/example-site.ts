/** A site made up of as many streams and windows as a test asks for, in the shape that the caches give it. Deterministic. */
import type { CameraStream, RetrainingWindow } from '../../api/generated/types.ts'
import { apiVersion } from '../../api/names.ts'
import { membership } from '../../cluster/selection.ts'
import { ShareLog } from '../../cluster/share-log.ts'
import type { SiteGpu } from '../../sharing/backend.ts'
import { createSampleReader, type SampleReader } from '../dashboard/samples.ts'
import type { DashboardSite } from '../dashboard/site.ts'

export const exampleNow = new Date('2026-01-01T00:00:35.000Z')
const at = (seconds: number): string =>
  new Date(Date.parse('2026-01-01T00:00:00Z') + seconds * 1000).toISOString()

export interface ExampleSize {
  readonly windows: number
  /** Of each window. */
  readonly streams: number
  readonly history: number
  readonly gpus: number
}

/** Some number in [0, 1) that looks random. */
const noise = (...seeds: number[]): number => {
  const x = Math.sin(seeds.reduce((sum, seed, i) => sum + seed * (12.9898 + 65.233 * i), 1)) * 43_758.5453
  return x - Math.floor(x)
}
const digest = (seed: number): string =>
  Array.from({ length: 64 }, (_, i) => Math.floor(noise(seed, i) * 16).toString(16)).join('')
const round = (x: number): number => Number(x.toFixed(4))

export function exampleSite(
  { windows: count, streams: each, history, gpus }: ExampleSize,
  samples: SampleReader = createSampleReader('/nowhere'),
): DashboardSite {
  const windows = Array.from({ length: count }, (_, w) => retrainingWindow(w, each, history, gpus))
  const streams = windows.flatMap((window, w) =>
    Array.from({ length: each }, (_, s) => cameraStream(w, s, window)),
  )
  const byKey = <T extends { metadata: { namespace?: string; name: string } }>(list: readonly T[]) =>
    new Map(list.map(object => [`${object.metadata.namespace}/${object.metadata.name}`, object]))
  const [windowsByKey, streamsByKey] = [byKey(windows), byKey(streams)]
  const siteGpus: SiteGpu[] = Array.from({ length: gpus }, (_, g) => ({
    node: `edge-${g}`,
    gpu: '0',
    device: { kind: 'cpu', cores: 4 },
  }))
  return {
    cluster: {
      windows: { get: (key: string) => windowsByKey.get(key), list: () => windows } as never,
      streams: { get: (key: string) => streamsByKey.get(key), list: () => streams } as never,
      membership: stream => membership(stream, windows),
      gpus: () => siteGpus,
    },
    shares: heldShares(windows[0], gpus),
    samples,
  }
}

function heldShares(window: RetrainingWindow | undefined, gpus: number): ShareLog {
  let now = Date.parse(at(-60))
  const log = new ShareLog(() => now)
  const items = window?.status?.plan?.items.filter((_, i) => i < gpus * 8) ?? []
  const per = Math.max(1, Math.ceil(items.length / gpus))
  const hold = (
    seconds: number,
    role: 'inference' | 'profile' | 'training',
    share: (i: number) => number,
  ) => {
    now = Date.parse(at(seconds))
    for (const [i, { stream, node, gpu }] of items.entries())
      log.holds({ uid: `${stream}-${role}`, namespace: 'site', stream, role, node, gpu, share: share(i) })
  }
  hold(-60, 'inference', () => 0.9 / per)
  hold(0, 'inference', () => 0.6 / per)
  hold(1, 'profile', () => 0.3 / per)
  hold(14, 'profile', () => 0)
  hold(15, 'inference', i => items[i]!.inferenceShare)
  hold(16, 'training', i => items[i]!.trainingShare)
  return log
}

const streamName = (w: number, s: number): string => `cam-${w === 0 ? '' : `${w}-`}${s}`

const accuracies = (w: number, s: number, index: number) => {
  const drift = 0.32 * (1 - Math.exp(-index / 4)) * (0.5 + noise(w, s))
  const without = round(Math.max(0.2, 0.82 - drift + 0.06 * (noise(w, s, index) - 0.5)))
  const realised = round(Math.min(0.97, index === 0 ? without : 0.84 + 0.1 * (noise(s, w, index) - 0.5)))
  return { without, realised, predicted: round(realised + 0.06 * (noise(index, s, w) - 0.5)) }
}

function retrainingWindow(w: number, streams: number, history: number, gpus: number): RetrainingWindow {
  const names = Array.from({ length: streams }, (_, s) => streamName(w, s))
  const mean = (values: readonly number[]): number =>
    round(values.reduce((a, b) => a + b, 0) / Math.max(1, values.length))
  const perGpu = Math.max(1, Math.ceil(streams / gpus))
  return {
    apiVersion,
    kind: 'RetrainingWindow',
    metadata: {
      name: w === 0 ? 'crossing' : `site-${w}`,
      namespace: 'site',
      creationTimestamp: at(-9999),
      generation: 1,
    },
    spec: {
      streamSelector: { matchLabels: { site: String(w) }, matchExpressions: [] },
      scheduler: { policy: 'horizon', step: 0.05, options: {} },
    } as never,
    status: {
      current: { index: history, phase: 'Retraining', startedAt: at(0), endsAt: at(60) },
      conditions: [
        {
          type: 'Ready',
          status: 'True',
          reason: 'Running',
          message: `window ${history} runs`,
          lastTransitionTime: at(0),
        },
      ],
      streams,
      gpus,
      plan: {
        window: history,
        decidedAt: at(15),
        policy: 'horizon',
        predictedAccuracy: 0.852,
        warnings: w === 0 ? ['cam-1: no inference configuration keeps minAccuracy 0.95'] : [],
        items: names.map((stream, s) => {
          const trains = s % 3 !== 2
          const waits = s % 3 === 1
          return {
            stream,
            node: `edge-${Math.floor(s / perGpu)}`,
            gpu: '0',
            inferenceShare: round(0.6 / perGpu),
            inferenceConfiguration: 'every-frame',
            trainingShare: trains && !waits ? round(0.8 / perGpu) : 0,
            ...(trains
              ? {
                  retrainingConfiguration: 'all-15',
                  predictedBefore: 0.612,
                  predictedAfter: 0.789,
                  gpuSeconds: 11.3,
                  estimate: { accuracyAfter: 0.801, gpuSeconds: 11.3 },
                  startsAt: at(waits ? 40 : 16),
                  completesAt: at(waits ? 56 : 40),
                }
              : {}),
            state: trains ? (waits ? ('Planned' as const) : ('Training' as const)) : ('None' as const),
            reason: trains
              ? 'retrain all-15: 61.2 → 78.9 % for 11.3 GPU-s, done 40 s into the window'
              : 'no retraining: best gain 0.4 points (head-5) is below the minimum of 1.0',
          }
        }),
      },
      history: Array.from({ length: history }, (_, i) => {
        const index = history - 1 - i
        const all = names.map((_, s) => accuracies(w, s, index))
        return {
          index,
          policy: 'horizon',
          predicted: mean(all.map(({ predicted }) => predicted)),
          realised: mean(all.map(({ realised }) => realised)),
          withoutRetraining: mean(all.map(({ without }) => without)),
          gain: round(mean(all.map(({ realised }) => realised)) - mean(all.map(({ without }) => without))),
          gpuSecondsTrained: 31.4,
          profilerError: 0.021,
          retrained: Math.ceil(streams / 2),
          streams: names.map((name, s) => ({
            name,
            predicted: all[s]!.predicted,
            realised: all[s]!.realised,
            withoutRetraining: all[s]!.without,
            retrained: index > 0 && noise(s, index) > 0.4,
            configuration: 'all-15',
            estimate: { accuracyAfter: 0.85, gpuSeconds: 11 },
            outcome: { accuracyAfter: 0.84, gpuSeconds: 11.8 },
            inferenceShare: 0.15,
            trainingShare: 0.2,
            framesOffered: 1800,
            framesAnalysed: 1790,
            framesDropped: 10,
          })),
        }
      }),
    },
  }
}

function cameraStream(w: number, s: number, window: RetrainingWindow): CameraStream {
  const item = window.status!.plan!.items[s]!
  const last = window.status!.history![0]
  const { realised, without } = accuracies(w, s, last?.index ?? 0)
  const broken = s % 17 === 5
  const drifting = s % 11 === 3
  const condition = (type: string, status: 'True' | 'False', reason: string, message: string) => ({
    type,
    status,
    reason,
    message,
    lastTransitionTime: at(0),
  })
  const [now, before, first] = [digest(s * 3 + 1), digest(s * 3 + 2), digest(s * 3 + 3)]
  return {
    apiVersion,
    kind: 'CameraStream',
    metadata: {
      name: streamName(w, s),
      namespace: 'site',
      uid: `${w}-${s}`,
      generation: 1,
      labels: { site: String(w) },
    },
    spec: {
      classes: ['car', 'truck', 'bus', 'bicycle', 'pedestrian', 'dog'],
      model: { uri: 'models/student.onnx' },
    } as never,
    status: {
      window: { name: window.metadata.name, index: window.status!.current!.index },
      allocation: {
        node: item.node,
        gpu: item.gpu,
        share: item.inferenceShare,
        configuration: 'every-frame',
      },
      accuracy: { measured: realised, withoutRetraining: without, predicted: round(realised + 0.01) },
      frames: {
        offered: 1800,
        analysed: 1790,
        skipped: 0,
        dropped: 10,
        window: window.status!.current!.index,
      },
      ...(item.state === 'Training'
        ? {
            retraining: {
              configuration: 'all-15',
              share: item.trainingShare,
              progress: 0.4,
              completesAt: at(40),
            },
          }
        : {}),
      model: {
        uri: `models/site/${now}.onnx`,
        digest: now,
        version: now.slice(0, 8),
        initialUri: 'models/student.onnx',
        initialDigest: first,
      },
      models: [
        {
          uri: `models/site/${now}.onnx`,
          digest: now,
          accuracy: 0.871,
          trainedInWindow: 7,
          servedSince: at(-40),
        },
        {
          uri: `models/site/${before}.onnx`,
          digest: before,
          accuracy: 0.843,
          trainedInWindow: 4,
          servedSince: at(-220),
        },
        { uri: 'models/student.onnx', digest: first },
      ],
      decision: item.reason,
      conditions: [
        ...(drifting
          ? [condition('Drifting', 'True', 'Drifted', '71.2 % in window 7, 88.0 % at best before (window 3)')]
          : [
              condition(
                'Drifting',
                'False',
                'Stable',
                '86.1 % in window 7, 88.0 % at best before (window 3)',
              ),
            ]),
        broken
          ? condition('Ready', 'False', 'ModelInvalid', 'models/<broken>.onnx is no ONNX file')
          : condition('Ready', 'True', 'Serving', `served in RetrainingWindow ${window.metadata.name}`),
      ],
    },
  }
}
