/** A comparison's accuracies as one table of comma-separated values (RFC 4180, lines end in LF), a row for each mean. */
import type { Comparison } from './compare.ts'
import type { Cell } from './run.ts'
import type { SensitivityPoint } from './sensitivity.ts'

/** `noise` is empty where the policy sees the trace's own values; accuracies are in [0, 1] and empty where the policy failed. */
const columns = [
  'experiment',
  'policy',
  'sees',
  'gpus',
  'streams',
  'window_seconds',
  'step',
  'noise',
  'mean_accuracy',
  'lowest',
  'highest',
  'error',
] as const

export const csvHeader = columns.join(',')

type Row = Partial<Record<(typeof columns)[number], string | number | null>>

export function asCsv({ cells, sensitivity, settings }: Comparison): string {
  const site = { window_seconds: settings.windowSeconds, step: settings.step }
  const rows: Row[] = cells.map(({ policy, sees, gpus, streams, meanAccuracy, error }) => ({
    experiment: 'grid',
    ...{ policy, sees, gpus, streams, ...site, mean_accuracy: meanAccuracy, error },
  }))
  if (sensitivity !== null) {
    const own = { ...site, gpus: sensitivity.gpus, streams: sensitivity.streams, sees: sensitivity.sees }
    rows.push(
      ...sensitivity.step.map(point => ({
        ...own,
        ...shown(point),
        experiment: 'step',
        step: point.value,
      })),
      ...sensitivity.window.map(point => ({
        ...own,
        ...shown(point),
        experiment: 'window',
        window_seconds: point.value,
      })),
      ...sensitivity.noise.map(point => ({
        ...own,
        ...shown(point),
        experiment: 'noise',
        sees: 'estimate' satisfies Cell['sees'],
        noise: point.value,
      })),
    )
  }
  return [csvHeader, ...rows.map(row => columns.map(column => field(row[column])).join(',')), ''].join('\n')
}

const shown = ({ policy, meanAccuracy, lowest, highest, error }: SensitivityPoint): Row => ({
  policy,
  mean_accuracy: meanAccuracy,
  lowest,
  highest,
  error,
})

/** Quoted where it must be. */
export function field(value: string | number | null | undefined): string {
  const text = String(value ?? '')
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
