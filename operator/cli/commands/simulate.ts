/** `ekya simulate`: options → trace, policy and site → all windows → a table or JSON. */
import { performance } from 'node:perf_hooks'
import { ConfigError, type ConfigProblem } from '../../config/errors.ts'
import { parseSeed } from '../../config/values.ts'
import { SchedulerError } from '../../scheduler/errors.ts'
import { points } from '../../scheduler/explain.ts'
import type { PolicyOptions } from '../../scheduler/plan.ts'
import { policy as policyNamed } from '../../scheduler/policies/registry.ts'
import type { Policy } from '../../scheduler/policy.ts'
import { TraceError } from '../../simulate/errors.ts'
import { type SimulationResult, simulate, type WindowResult } from '../../simulate/simulate.ts'
import { parseTrace, type Trace } from '../../simulate/trace.ts'
import type { Sees } from '../../simulate/trace-problem.ts'
import { UsageError, usageOf } from '../errors.ts'
import { readText } from '../files.ts'
import type { Io } from '../program.ts'

/** As commander reads them. */
export interface RawSimulateOptions {
  readonly trace: string
  readonly gpus: string
  readonly policy: string
  readonly window: string
  readonly sees: Sees
  readonly streams?: string
  readonly stream?: readonly string[]
  readonly delay: string
  readonly step?: string
  readonly resizeSeconds: string
  readonly seed?: string
  readonly policyOption?: readonly string[]
  readonly json?: boolean
}

/** Δ of Ekya's simulator. */
const defaultStep = 0.25 / 3

export async function simulateCommand(raw: RawSimulateOptions, io: Io): Promise<number> {
  try {
    const options = parse(raw)
    const policy = policyNamed(raw.policy)
    const policyOptions = await readPolicyOptions(policy, raw, options.seed)
    const trace = chosenStreams(
      parseTrace(await readText('simulate', raw.trace), raw.trace),
      raw,
      options.streams,
    )
    const result = simulate(trace, policy, {
      ...options,
      policy: raw.policy,
      policyOptions,
      sees: raw.sees,
      monotonicMs: () => performance.now(),
    })
    io.stdout.write(raw.json === true ? asJson(result) : asText(result))
    return 0
  } catch (error) {
    if (error instanceof ConfigError) throw usageOf('simulate', error)
    if (error instanceof TraceError || error instanceof SchedulerError)
      throw new UsageError(`simulate: ${error.message}`, { cause: error })
    throw error
  }
}

interface Parsed {
  readonly gpus: number
  readonly windowSeconds: number
  readonly delaySeconds: number
  readonly step: number
  readonly resizeSeconds: number
  readonly streams?: number
  readonly seed?: number
}

/** @throws ConfigError with all that is wrong. */
function parse(raw: RawSimulateOptions): Parsed {
  const problems: ConfigProblem[] = []
  const number = (
    where: string,
    text: string,
    accepted: string,
    accepts: (value: number) => boolean,
  ): number => {
    const value = text.trim() === '' ? Number.NaN : Number(text)
    if (!accepts(value))
      problems.push({ where, message: `${JSON.stringify(text)} is not accepted; accepted: ${accepted}` })
    return value
  }
  const within = (least: number, most: number) => (value: number) => value >= least && value <= most
  const above0 = (most: number) => (value: number) => value > 0 && value <= most
  const windowSeconds = number('--window', raw.window, 'seconds from 1 to 1000000', within(1, 1e6))
  const parsed = {
    gpus: number('--gpus', raw.gpus, 'a number above 0 and at most 10000', above0(1e4)),
    windowSeconds,
    delaySeconds: number(
      '--delay',
      raw.delay,
      'seconds from 0, less than the window',
      value => value >= 0 && !(value >= windowSeconds),
    ),
    step:
      raw.step === undefined
        ? defaultStep
        : number('--step', raw.step, 'a fraction of one GPU from 0.001 to 1', within(0.001, 1)),
    resizeSeconds: number('--resize-seconds', raw.resizeSeconds, 'seconds from 0 to 1000000', within(0, 1e6)),
    ...(raw.streams === undefined
      ? {}
      : {
          streams: number(
            '--streams',
            raw.streams,
            'a whole number from 1',
            value => Number.isInteger(value) && value >= 1,
          ),
        }),
  }
  const seed = raw.seed === undefined ? undefined : parseSeed(raw.seed)
  if (raw.seed !== undefined && seed === undefined)
    problems.push({
      where: '--seed',
      message: `${JSON.stringify(raw.seed)} is not accepted; accepted: a whole number from 0 to 2147483647`,
    })
  if (problems.length > 0) throw new ConfigError(problems)
  return { ...parsed, ...(seed === undefined ? {} : { seed }) }
}

/** Texts as the policy's rules ask for them; what the rules do not know stays text, for the policy to refuse. */
async function readPolicyOptions(
  policy: Policy,
  { policyOption = [] }: RawSimulateOptions,
  seed: number | undefined,
): Promise<PolicyOptions> {
  const options: Record<string, unknown> = {}
  if (seed !== undefined && Object.hasOwn(policy.options, 'seed')) options.seed = seed
  for (const given of policyOption) {
    const [, name, text] = /^([^=]+)=(.*)$/s.exec(given) ?? []
    if (name === undefined || text === undefined)
      throw new UsageError(
        `simulate: --policy-option ${JSON.stringify(given)} is not accepted; accepted: NAME=VALUE`,
      )
    const type = Object.hasOwn(policy.options, name) ? policy.options[name]!.type : 'string'
    if (type === 'file') options[name] = parseFile(await readText('simulate', text), text)
    else
      options[name] =
        (type === 'number' || type === 'integer') && text.trim() !== '' && !Number.isNaN(Number(text))
          ? Number(text)
          : text
  }
  return options
}

function parseFile(text: string, file: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new UsageError(`simulate: ${file}: is not JSON (${(error as Error).message})`)
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
  const unknown = (stream ?? []).filter(name => !names.includes(name))
  if (unknown.length > 0)
    throw new UsageError(
      `simulate: --stream ${unknown.join(', ')}: no such stream in ${file}, accepted: ${some(names)}`,
    )
  const streams = trace.streams.filter(
    ({ name }, i) => (count === undefined || i < count) && (stream === undefined || stream.includes(name)),
  )
  return { ...trace, streams }
}

const some = (names: readonly string[]): string =>
  names.length > 20 ? `${names.slice(0, 20).join(', ')} and ${names.length - 20} more` : names.join(', ')

function asJson(result: SimulationResult): string {
  const windows = result.windows.map(({ index, meanAccuracy, schedulerSeconds, streams }) => ({
    index,
    meanAccuracy,
    schedulerSeconds,
    streams,
  }))
  return `${JSON.stringify({ ...result, windows }, null, 2)}\n`
}

function asText(result: SimulationResult): string {
  const { policy, sees, gpus, windowSeconds, meanAccuracy, windows } = result
  const seconds = windows.reduce((sum, window) => sum + window.schedulerSeconds, 0)
  return [
    `policy ${policy} on ${gpus} GPU${gpus === 1 ? '' : 's'}, windows of ${windowSeconds} s, sees ${sees} profiles`,
    `mean accuracy ${points(meanAccuracy)} % (scheduler ${seconds.toFixed(3)} s for ${windows.length} window${windows.length === 1 ? '' : 's'})`,
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
    ...table(['stream', 'acc %', 'inference', 'training', 'done at s', 'plan'], rows),
    ...plan.warnings.map(warning => `  warning: ${warning}`),
  ]
}

/** The first and the last column to the left, numbers to the right. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = head.map((title, c) => Math.max(title.length, ...rows.map(row => row[c]!.length)))
  return [head, ...rows].map(row => {
    const cells = row.map((cell, c) =>
      c === 0 ? cell.padEnd(widths[c]!) : c === row.length - 1 ? cell : cell.padStart(widths[c]!),
    )
    return `  ${cells.join('  ')}`.trimEnd()
  })
}
