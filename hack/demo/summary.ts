/** The result of a run: what the windows' history says, as a record for programs and as tables for people. Pure. */
import type { StreamRecord, WindowRecord } from '../../operator/api/generated/types.ts'
import { mean, percent, points, share, table } from './table.ts'

export interface StreamSummary {
  readonly name: string
  /** The same window's accuracy of the model first deployed. */
  readonly accuracyWithout: number | null
  readonly accuracyRealised: number | null
  readonly accuracyPredicted: number | null
  readonly retrained: boolean
  readonly configuration: string | null
  readonly inferenceShare: number | null
  readonly trainingShare: number | null
  readonly framesOffered: number | null
  readonly framesAnalysed: number | null
  readonly framesDropped: number | null
}

export interface Summary {
  readonly policy: string
  readonly windows: readonly { readonly index: number; readonly streams: readonly StreamSummary[] }[]
  /** Mean of accuracyRealised over all windows and streams. */
  readonly meanAccuracy: number | null
}

/** @param count windows 0 … count − 1 are summed up, as far as they are known */
export function summarise(policy: string, records: readonly WindowRecord[], count: number): Summary {
  const windows = [...records]
    .filter(record => record.index < count)
    .sort((a, b) => a.index - b.index)
    .map(({ index, streams = [] }) => ({ index, streams: streams.map(streamSummary) }))
  return {
    policy,
    windows,
    meanAccuracy: mean(windows.flatMap(({ streams }) => streams.map(stream => stream.accuracyRealised))),
  }
}

const streamSummary = (record: StreamRecord): StreamSummary => ({
  name: record.name,
  accuracyWithout: record.withoutRetraining ?? null,
  accuracyRealised: record.realised ?? null,
  accuracyPredicted: record.predicted ?? null,
  retrained: record.retrained ?? false,
  configuration: record.configuration ?? null,
  inferenceShare: record.inferenceShare ?? null,
  trainingShare: record.trainingShare ?? null,
  framesOffered: record.framesOffered ?? null,
  framesAnalysed: record.framesAnalysed ?? null,
  framesDropped: record.framesDropped ?? null,
})

export function summaryLines(summary: Summary): readonly string[] {
  const rows = summary.windows.flatMap(({ index, streams }) =>
    streams.map((stream, position) => [
      position === 0 ? String(index) : '',
      stream.name,
      percent(stream.accuracyWithout),
      percent(stream.accuracyRealised),
      points(difference(stream.accuracyRealised, stream.accuracyWithout)),
      percent(stream.accuracyPredicted),
      points(difference(stream.accuracyPredicted, stream.accuracyRealised)),
      retraining(stream),
      share(stream.inferenceShare),
      stream.trainingShare ? share(stream.trainingShare) : '–',
      dropped(stream),
    ]),
  )
  const all = summary.windows.flatMap(({ streams }) => streams)
  const errors = all.map(({ accuracyPredicted, accuracyRealised }) =>
    absolute(difference(accuracyPredicted, accuracyRealised)),
  )
  const without = mean(all.map(({ accuracyWithout }) => accuracyWithout))
  return [
    ...table(
      [
        { title: 'WINDOW', align: 'right' },
        { title: 'CAMERA' },
        { title: 'FIRST MODEL', align: 'right' },
        { title: 'SERVED', align: 'right' },
        { title: 'GAIN', align: 'right' },
        { title: 'PREDICTED', align: 'right' },
        { title: 'ERROR', align: 'right' },
        { title: 'RETRAINED' },
        { title: 'INFERENCE', align: 'right' },
        { title: 'TRAINING', align: 'right' },
        { title: 'DROPPED', align: 'right' },
      ],
      rows,
    ),
    '',
    `policy ${summary.policy}: mean accuracy ${percent(summary.meanAccuracy)}, with the first models ${percent(without)} (${points(difference(summary.meanAccuracy, without))} points)`,
    `predicted and realised accuracy differ by ${errorText(mean(errors))} on average over ${errors.filter(error => error !== null).length} predictions`,
  ]
}

const difference = (a: number | null, b: number | null): number | null =>
  a === null || b === null ? null : a - b
const absolute = (value: number | null): number | null => (value === null ? null : Math.abs(value))
const errorText = (value: number | null): string =>
  value === null ? 'nothing known' : `${(value * 100).toFixed(1)} points`

const retraining = ({ configuration, retrained }: StreamSummary): string => {
  if (configuration === null) return 'no'
  return retrained ? configuration : `${configuration} (kept the old)`
}

const dropped = ({ framesDropped, framesOffered }: StreamSummary): string =>
  framesDropped === null || !framesOffered ? '–' : percent(framesDropped / framesOffered)
