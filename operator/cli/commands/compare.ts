/** `ekya compare`: options → grid, policies and trace → all runs in worker threads → a table or JSON, and files. */
import { availableParallelism } from 'node:os'
import { ConfigError } from '../../config/errors.ts'
import { SchedulerError } from '../../scheduler/errors.ts'
import { checkConfigurations, checkOptions } from '../../scheduler/option-rules.ts'
import { policies } from '../../scheduler/policies/registry.ts'
import { type Comparison, compare, failures, hindsightNote } from '../../simulate/compare/compare.ts'
import { asCsv, csvHeader } from '../../simulate/compare/csv.ts'
import { pageBegin } from '../../simulate/compare/html.ts'
import type { PolicyChoice } from '../../simulate/compare/run.ts'
import { onSite } from '../../simulate/compare/words.ts'
import { TraceError } from '../../simulate/errors.ts'
import { configurationsOf, parseTrace, type Trace } from '../../simulate/trace.ts'
import type { Sees } from '../../simulate/trace-problem.ts'
import { printable } from '../../text/printable.ts'
import { UsageError, usageOf } from '../errors.ts'
import { readText } from '../files.ts'
import { above0, OptionReader, wholeFrom } from '../option-reader.ts'
import { readPolicyOptions } from '../policy-options.ts'
import type { Io } from '../program.ts'
import { ProgressLine } from '../progress.ts'
import { type Beginnings, makeFolder, refusedFolder, writeFolder } from '../results-folder.ts'
import { type RawSiteOptions, readSite, type SiteOptions } from '../site-options.ts'
import { table } from '../table.ts'

/** As commander reads them. */
export interface RawCompareOptions extends RawSiteOptions {
  readonly trace: string
  readonly gpus: string
  readonly streams: string
  readonly policies: string
  readonly sees: string
  readonly target: string
  readonly jobs?: string
  readonly out?: string
  readonly record: boolean
  readonly sensitivity: boolean
  readonly json?: boolean
}

const jsonBegin = '{\n  "generator": "ekya compare",\n  "version": 1,\n'

const ownFiles: Beginnings = {
  'results.csv': `${csvHeader}\n`,
  'results.json': jsonBegin,
  'index.html': pageBegin,
}

/** Status 1 when a policy failed somewhere; all the rest is reported all the same. */
export async function compareCommand(raw: RawCompareOptions, io: Io): Promise<number> {
  const { trace, out, ...comparing } = await read(raw)
  // Before the work: a folder that cannot be made must not cost it.
  if (out !== undefined) await makeFolder('compare', out)
  const progress = new ProgressLine(io.stderr, 'compare')
  const comparison = await compare(trace, {
    ...comparing,
    file: raw.trace,
    onDone: ({ run, done, total }) => progress.show(done, total, `${run.policy.label}, ${onSite(run)}`),
  })
  if (out !== undefined) {
    await write(out, comparison)
    io.stderr.write(`compare: wrote ${Object.keys(ownFiles).join(', ')} to ${printable(out)}\n`)
  }
  io.stdout.write(raw.json === true ? asJson(comparison) : asText(comparison))
  return failures(comparison).length === 0 ? 0 : 1
}

interface Options extends SiteOptions {
  readonly trace: Trace
  readonly gpus: readonly number[]
  readonly streams: readonly number[]
  readonly sees: readonly Sees[]
  readonly policies: readonly PolicyChoice[]
  readonly targets: readonly number[]
  readonly jobs: number
  readonly seed: number
  readonly knowsLeftOut: boolean
  readonly sensitivity: boolean
  readonly out?: string
}

/** @throws UsageError with all that is wrong. */
async function read(raw: RawCompareOptions): Promise<Options> {
  const reader = new OptionReader()
  const trace = await readTrace(reader, raw.trace)
  const gpus = reader.numbers('--gpus', raw.gpus, above0(1e4, 'a number'))
  const streams = reader.numbers('--streams', raw.streams, streamsOf(trace, raw.trace))
  const site = readSite(reader, raw)
  const choices = await readPolicies(reader, raw.policies, site.seed, trace)
  const sees = readSees(reader, raw.sees)
  const targets = reader.numbers('--target', raw.target, above0(1, 'an accuracy'))
  const jobs =
    raw.jobs === undefined ? availableParallelism() : reader.number('--jobs', raw.jobs, wholeFrom(1, 1024))
  if (raw.out !== undefined) {
    const refused = await refusedFolder(raw.out, ownFiles)
    if (refused !== undefined) reader.refuse('--out', refused)
  }
  try {
    reader.check()
  } catch (error) {
    throw error instanceof ConfigError ? usageOf('compare', error) : error
  }
  return {
    ...site,
    trace: trace!,
    ...{ gpus, streams, sees, policies: choices, targets, jobs },
    seed: site.seed ?? 0,
    knowsLeftOut: raw.record,
    sensitivity: raw.sensitivity,
    ...(raw.out === undefined ? {} : { out: raw.out }),
  }
}

async function readTrace(reader: OptionReader, file: string): Promise<Trace | undefined> {
  try {
    return parseTrace(await readText('compare', file), file)
  } catch (error) {
    if (!(error instanceof TraceError || error instanceof UsageError)) throw error
    reader.refuse('--trace', error.message.replace(/^compare: /, ''))
    return undefined
  }
}

function streamsOf(trace: Trace | undefined, file: string) {
  const most = trace?.streams.length
  const rule = wholeFrom(1, most)
  return most === undefined ? rule : { ...rule, accepted: `${rule.accepted}, the streams of ${file}` }
}

/** `NAME[:OPTION=VALUE]…`, with commas between them. */
async function readPolicies(
  reader: OptionReader,
  text: string,
  seed: number | undefined,
  trace: Trace | undefined,
): Promise<PolicyChoice[]> {
  const choices: PolicyChoice[] = []
  const unknown: string[] = []
  for (const label of reader.words('--policies', text)) {
    const [name, ...given] = label.split(':')
    if (!Object.hasOwn(policies, name!)) {
      unknown.push(JSON.stringify(name))
      continue
    }
    const policy = policies[name!]!
    const options = await readPolicyOptions(reader, '--policies', policy, given, seed)
    try {
      checkOptions(name!, options, policy.options)
      if (trace !== undefined) checkConfigurations(name!, options, policy.options, configurationsOf(trace))
    } catch (error) {
      if (!(error instanceof SchedulerError)) throw error
      reader.refuse('--policies', error.message)
    }
    choices.push({ label, name: name!, options })
  }
  if (unknown.length > 0)
    reader.refuse(
      '--policies',
      `no policy ${unknown.join(', ')}; accepted: ${Object.keys(policies).join(', ')}`,
    )
  return choices
}

function readSees(reader: OptionReader, text: string): Sees[] {
  const words = reader.words('--sees', text)
  for (const word of words)
    if (word !== 'actual' && word !== 'estimate')
      reader.refuse(
        '--sees',
        `${JSON.stringify(word)} is not accepted; accepted: actual, estimate, or both with a comma between`,
      )
  return words as Sees[]
}

async function write(folder: string, comparison: Comparison): Promise<void> {
  // Vega takes longer to load than all the rest.
  const { asPage } = await import('../../simulate/compare/page.ts')
  await writeFolder(folder, {
    'results.csv': asCsv(comparison),
    'results.json': asJson(comparison),
    'index.html': await asPage(comparison),
  })
}

function asJson(comparison: Comparison): string {
  return `${JSON.stringify({ generator: 'ekya compare', version: 1, ...comparison }, null, 2)}\n`
}

function asText(comparison: Comparison): string {
  const { cells, settings, trace } = comparison
  const groups = Map.groupBy(cells, ({ gpus, streams, sees }) => `${gpus}/${streams}/${sees}`)
  const rows = [...groups.values()].map(group => {
    const { gpus, streams, sees } = group[0]!
    const means = settings.policies.map(policy => {
      const mean = group.find(cell => cell.policy === policy)?.meanAccuracy
      return mean === undefined ? '–' : mean === null ? 'failed' : (mean * 100).toFixed(2)
    })
    return [String(gpus), String(streams), sees, ...means]
  })
  const note = settings.sees.includes('estimate') ? hindsightNote(settings) : undefined
  return [
    `mean accuracy in % on ${printable(trace.file)}, windows of ${settings.windowSeconds} s`,
    ...table(['GPUs', 'streams', 'sees', ...settings.policies], rows, [2]),
    ...(note === undefined ? [] : [`–: ${printable(note)}`]),
    ...failures(comparison).map(sentence => `failed: ${printable(sentence)}`),
    '',
  ].join('\n')
}
