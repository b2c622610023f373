/** `ekya simulate`: options → trace, policy and site → all windows → a table or JSON. */
import { performance } from 'node:perf_hooks'
import { ConfigError } from '../../config/errors.ts'
import { SchedulerError } from '../../scheduler/errors.ts'
import { points } from '../../scheduler/explain.ts'
import { checkConfigurations, checkOptions } from '../../scheduler/option-rules.ts'
import { policy as policyNamed } from '../../scheduler/policies/registry.ts'
import { PlanError, TraceError } from '../../simulate/errors.ts'
import { type SimulationResult, simulate, type WindowResult } from '../../simulate/simulate.ts'
import { configurationsOf, parseTrace, type Trace } from '../../simulate/trace.ts'
import { recordOf, type Sees } from '../../simulate/trace-problem.ts'
import { printable } from '../../text/printable.ts'
import { UsageError, usageOf } from '../errors.ts'
import { readText } from '../files.ts'
import { above0, OptionReader, wholeFrom } from '../option-reader.ts'
import { readPolicyOptions } from '../policy-options.ts'
import type { Io } from '../program.ts'
import { type RawSiteOptions, readSite } from '../site-options.ts'
import { table } from '../table.ts'

/** As commander reads them. */
export interface RawSimulateOptions extends RawSiteOptions {
  readonly trace: string
  readonly gpus: string
  readonly policy: string
  readonly sees: Sees
  readonly streams?: string
  readonly stream?: readonly string[]
  readonly policyOption?: readonly string[]
  /** Streams of the trace; absent: all that are not replayed; false: none. */
  readonly record?: readonly string[] | false
  readonly bound?: boolean
  readonly json?: boolean
}

/** Status 1 when the policy made a plan that cannot be carried out. */
export async function simulateCommand(raw: RawSimulateOptions, io: Io): Promise<number> {
  try {
    const reader = new OptionReader()
    const gpus = reader.number('--gpus', raw.gpus, above0(1e4, 'a number'))
    const site = readSite(reader, raw)
    const streams =
      raw.streams === undefined ? undefined : reader.number('--streams', raw.streams, wholeFrom(1))
    reader.check()
    const policy = policyNamed(raw.policy)
    const given = raw.policyOption ?? []
    const policyOptions = await readPolicyOptions(reader, '--policy-option', policy, given, site.seed)
    reader.check()
    const whole = parseTrace(await readText('simulate', raw.trace), raw.trace)
    const trace = chosenStreams(whole, raw, streams)
    const record = raw.record === false ? [] : (raw.record ?? leftOut(whole, trace))
    refuseUnknown('--record', record, whole, raw.trace)
    refuseReplayed(record, trace)
    checkOptions(raw.policy, policyOptions, policy.options)
    checkConfigurations(raw.policy, policyOptions, policy.options, configurationsOf(trace))
    const result = simulate(trace, policy, {
      ...site,
      gpus,
      policy: raw.policy,
      policyOptions,
      sees: raw.sees,
      record: recordOf(whole.streams.filter(({ name }) => record.includes(name))),
      bound: raw.bound === true,
      monotonicMs: () => performance.now(),
    })
    const told = raw.sees === 'estimate' ? record : []
    io.stdout.write(raw.json === true ? asJson(result, told) : asText(result, told))
    return 0
  } catch (error) {
    if (error instanceof ConfigError) throw usageOf('simulate', error)
    if (error instanceof TraceError || error instanceof SchedulerError)
      throw new UsageError(`simulate: ${printable(error.message)}`)
    if (error instanceof PlanError) throw new PlanError(printable(error.message))
    throw error
  }
}

function chosenStreams(
  trace: Trace,
  { trace: file, stream }: RawSimulateOptions,
  count: number | undefined,
): Trace {
  const names = trace.streams.map(({ name }) => name)
  if (count !== undefined && count > names.length)
    throw new UsageError(`simulate: --streams ${count}: ${file} has ${names.length} streams: ${some(names)}`)
  refuseUnknown('--stream', stream ?? [], trace, file)
  const streams = trace.streams.filter(
    ({ name }, i) => (count === undefined || i < count) && (stream === undefined || stream.includes(name)),
  )
  return { ...trace, streams }
}

/** What is known from before unless it is said: the streams of the trace that are not replayed. */
const leftOut = (whole: Trace, { streams }: Trace): string[] => {
  const replayed = new Set(streams.map(({ name }) => name))
  return whole.streams.flatMap(({ name }) => (replayed.has(name) ? [] : [name]))
}

/** Who knows what a stream's retrainings came to knows what will come of them. @throws UsageError */
function refuseReplayed(record: readonly string[], { streams }: Trace): void {
  const both = record.filter(name => streams.some(stream => stream.name === name))
  if (both.length > 0)
    throw new UsageError(
      `simulate: --record ${both.join(', ')}: replayed as well, so its future would be known; accepted: streams that --streams or --stream leaves out`,
    )
}

/** @throws UsageError naming the streams that the trace has. */
function refuseUnknown(option: string, wanted: readonly string[], { streams }: Trace, file: string): void {
  const names = streams.map(({ name }) => name)
  const unknown = wanted.filter(name => !names.includes(name))
  if (unknown.length > 0)
    throw new UsageError(
      `simulate: ${option} ${unknown.join(', ')}: no such stream in ${file}, accepted: ${some(names)}`,
    )
}

function some(names: readonly string[]): string {
  const told = names.slice(0, 20).map(printable).join(', ')
  return names.length > 20 ? `${told} and ${names.length - 20} more` : told
}

function asJson(result: SimulationResult, record: readonly string[]): string {
  const windows = result.windows.map(({ index, meanAccuracy, schedulerSeconds, streams, plan }) => ({
    index,
    meanAccuracy,
    schedulerSeconds,
    streams,
    warnings: plan.warnings,
  }))
  return `${JSON.stringify({ ...result, ...(record.length > 0 ? { record } : {}), windows }, null, 2)}\n`
}

function asText(result: SimulationResult, record: readonly string[]): string {
  const { policy, sees, gpus, windowSeconds, meanAccuracy, windows } = result
  const most =
    result.bound === undefined
      ? []
      : [
          `upper bound ${points(result.bound)} %, of which ${points(meanAccuracy / result.bound)} % are reached`,
        ]
  const seconds = windows.reduce((sum, window) => sum + window.schedulerSeconds, 0)
  return [
    `policy ${policy} on ${gpus} GPU${gpus === 1 ? '' : 's'}, windows of ${windowSeconds} s, sees ${sees} profiles`,
    ...(record.length > 0 ? [`known from before: what retraining ${some(record)} came to`] : []),
    `mean accuracy ${points(meanAccuracy)} % (scheduler ${seconds.toFixed(3)} s for ${windows.length} window${windows.length === 1 ? '' : 's'})`,
    ...most,
    ...windows.flatMap(windowText),
    '',
  ].join('\n')
}

function windowText({ index, meanAccuracy, schedulerSeconds, streams, plan }: WindowResult): string[] {
  const rows = streams.map(stream => [
    stream.name,
    points(stream.accuracy),
    stream.inferenceShare.toFixed(3),
    stream.trainingShare.toFixed(3),
    stream.completesAt === null ? '-' : stream.completesAt.toFixed(1),
    stream.reason,
  ])
  return [
    '',
    `window ${index}: ${points(meanAccuracy)} % (scheduler ${schedulerSeconds.toFixed(3)} s)`,
    ...table(['stream', 'acc %', 'inference', 'training', 'done at s', 'plan'], rows, [0, 5]),
    ...plan.warnings.map(warning => `  warning: ${printable(warning)}`),
  ]
}
