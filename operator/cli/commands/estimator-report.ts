/** `ekya estimator-report`: a trace, or images to make one from → how well its outcomes are predicted → a table or JSON. */
import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { ConfigError } from '../../config/errors.ts'
import { type CostFigures, type CostRecord, reportCosts } from '../../profiler/cost-report.ts'
import { type PredictionFigures, reportEstimates } from '../../profiler/pooled/report.ts'
import { traceRecords } from '../../profiler/pooled/trace-records.ts'
import { TraceError } from '../../simulate/errors.ts'
import { parseTrace, type Trace } from '../../simulate/trace.ts'
import { printable } from '../../text/printable.ts'
import { UsageError, usageOf } from '../errors.ts'
import { readText } from '../files.ts'
import { checkFolder } from '../model-file.ts'
import { OptionReader, wholeFrom } from '../option-reader.ts'
import { makeProfileLog, type ProfilingCosts } from '../profile-log/profile-log.ts'
import type { Io } from '../program.ts'
import { ProgressLine } from '../progress.ts'
import { makeFolder } from '../results-folder.ts'
import { table } from '../table.ts'

/** As commander reads them. */
export interface RawReportOptions {
  readonly trace?: string
  readonly images?: string
  readonly log?: string
  readonly jobs?: string
  readonly json?: boolean
}

export async function estimatorReportCommand(raw: RawReportOptions, io: Io): Promise<number> {
  const { trace, costs } = await read(raw, io)
  const { pooled, microProfile, otherStreams } = reportEstimates(traceRecords(trace.streams))
  const cost = reportCosts(costRecords(trace))
  const baselines = { microProfile, otherStreams }
  const profiling = costs && {
    gpuSeconds: costs.profiling,
    exhaustiveGpuSeconds: costs.exhaustive,
    exhaustiveSharedGpuSeconds: costs.exhaustiveShared,
    costRatio: costs.profiling / costs.exhaustive,
  }
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
    raw.json === true
      ? `${JSON.stringify({ ...pooled, cost, ...(profiling && { profiling }), baselines }, null, 2)}\n`
      : [
          'Errors and regret in points of accuracy.',
          ...text,
          ...costsInWords(cost),
          ...profilingInWords(costs),
          '',
        ].join('\n'),
  )
  return 0
}

interface Work {
  readonly trace: Trace
  readonly costs?: ProfilingCosts
}

async function read({ trace, images, log, jobs, json: _ }: RawReportOptions, io: Io): Promise<Work> {
  if (trace !== undefined && images === undefined && log === undefined && jobs === undefined)
    return { trace: await readTrace(trace) }
  if (images === undefined || trace !== undefined)
    throw new UsageError(
      'estimator-report: accepted are --trace FILE, or --images DIR with --log and --jobs\nRun `ekya estimator-report --help` for what is accepted.',
    )
  const lanes = await checked(images, jobs)
  if (log !== undefined) {
    await makeFolder('estimator-report', log)
    return logged(images, log, lanes, io)
  }
  const temporary = await mkdtemp(join(tmpdir(), 'ekya-profile-log-'))
  try {
    return await logged(images, temporary, lanes, io)
  } finally {
    await rm(temporary, { recursive: true, force: true })
  }
}

async function readTrace(file: string): Promise<Trace> {
  try {
    return parseTrace(await readText('estimator-report', file), file)
  } catch (error) {
    if (error instanceof TraceError) throw new UsageError(`estimator-report: ${printable(error.message)}`)
    throw error
  }
}

async function checked(images: string, jobs: string | undefined): Promise<number> {
  const reader = new OptionReader()
  await checkFolder(reader, '--images', images)
  const lanes =
    jobs === undefined ? availableParallelism() : reader.number('--jobs', jobs, wholeFrom(1, 1024))
  try {
    reader.check()
  } catch (error) {
    throw error instanceof ConfigError ? usageOf('estimator-report', error) : error
  }
  return lanes
}

async function logged(images: string, cache: string, jobs: number, io: Io): Promise<Work> {
  const progress = new ProgressLine(io.stderr, 'estimator-report', { unit: 'windows', bar: true })
  return makeProfileLog({
    images,
    cache,
    jobs,
    onWindow: (done, of, camera) => progress.show(done, of, camera),
  })
}

const costRecords = ({ streams }: Trace): CostRecord[][][] =>
  streams.map(({ windows }) =>
    windows.map(({ retraining }) =>
      retraining.flatMap(({ configuration, gpuSeconds, estimate }) =>
        estimate === undefined ? [] : [{ configuration, predicted: estimate.gpuSeconds, actual: gpuSeconds }],
      ),
    ),
  )

const percent = (part: number): string => `${(100 * part).toFixed(1)} %`

function costsInWords(costs: CostFigures | null): string[] {
  if (costs === null) return []
  const { medianRelativeError, intervalCoverage } = costs
  return [
    `GPU-seconds: median error ${percent(medianRelativeError)}, ${percent(intervalCoverage)} in the 90 % interval.`,
  ]
}

function profilingInWords(costs: ProfilingCosts | undefined): string[] {
  if (costs === undefined) return []
  const { profiling, exhaustive, exhaustiveShared } = costs
  return [
    `Micro-profiles took ${profiling.toFixed(1)} cpu seconds: ${percent(profiling / exhaustive)} of training every configuration, ` +
      `${percent(profiling / exhaustiveShared)} where a longer training stands for the shorter ones in it.`,
  ]
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
    coverage === null ? '-' : percent(coverage),
  ]
}
