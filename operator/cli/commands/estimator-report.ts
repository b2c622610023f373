/** `ekya estimator-report`: a trace → how well its outcomes are predicted → a table or JSON. */
import { type PredictionFigures, reportEstimates } from '../../profiler/pooled/report.ts'
import { TraceError } from '../../simulate/errors.ts'
import { parseTrace } from '../../simulate/trace.ts'
import { printable } from '../../text/printable.ts'
import { UsageError } from '../errors.ts'
import { readText } from '../files.ts'
import type { Io } from '../program.ts'
import { table } from '../table.ts'

/** As commander reads them. */
export interface RawReportOptions {
  readonly trace: string
  readonly json?: boolean
}

export async function estimatorReportCommand(
  { trace: file, json }: RawReportOptions,
  io: Io,
): Promise<number> {
  try {
    const { streams } = parseTrace(await readText('estimator-report', file), file)
    const { pooled, microProfile, otherStreams } = reportEstimates(
      streams.map(({ windows }) =>
        windows.map(({ accuracyBefore, retraining }) => ({
          accuracyBefore,
          trainings: retraining.map(({ configuration, accuracyAfter, gpuSeconds, estimate }) => ({
            configuration,
            gpuSeconds,
            outcome: accuracyAfter,
            ...(estimate === undefined ? {} : { estimate: estimate.accuracyAfter }),
          })),
        })),
      ),
    )
    const baselines = { microProfile, otherStreams }
    const text = table(
      ['estimator', 'median error', 'mean error', 'rank correlation', 'regret', 'in 90 % interval'],
      [
        row('pooled', pooled),
        row('micro-profile alone (Ekya)', microProfile),
        row("mean of the other streams' outcomes", otherStreams),
      ],
      [0],
    )
    io.stdout.write(
      json === true
        ? `${JSON.stringify({ ...pooled, baselines }, null, 2)}\n`
        : ['Errors and regret in points of accuracy.', ...text, ''].join('\n'),
    )
    return 0
  } catch (error) {
    if (error instanceof TraceError) throw new UsageError(`estimator-report: ${printable(error.message)}`)
    throw error
  }
}

function row(name: string, figures: PredictionFigures): string[] {
  const shown = (value: number | null, digits: number): string =>
    value === null ? '-' : value.toFixed(digits)
  const coverage = figures.intervalCoverage
  return [
    name,
    shown(figures.medianAbsoluteErrorPoints, 2),
    shown(figures.meanAbsoluteErrorPoints, 2),
    shown(figures.meanSpearman, 3),
    shown(figures.regretPoints, 2),
    coverage === null ? '-' : `${(coverage * 100).toFixed(1)} %`,
  ]
}
