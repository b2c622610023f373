/** The command line of the demo: parsed once into a readonly record, all problems reported together. */
import { existsSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { Command, CommanderError } from 'commander'
import { parseDuration } from '../../operator/api/duration.ts'
import { specSchemas } from '../../operator/api/generated/schemas.ts'

export type DemoSource = { readonly kind: 'scene' } | { readonly kind: 'samples'; readonly folder: string }

export interface DemoOptions {
  readonly cameras: number
  /** As given, such as 60s. */
  readonly window: string
  readonly windowSeconds: number
  /** End after so many windows; null: go on until interrupted. */
  readonly windows: number | null
  readonly policy: string
  readonly source: DemoSource
  /** Absolute path; null: the model that belongs to the source. */
  readonly model: string | null
  /** Absolute path of an existing cluster's kubeconfig; null: a control plane of our own. */
  readonly kubeconfig: string | null
  /** Share this machine's NVIDIA GPU instead of its cores. */
  readonly gpu: boolean
  readonly seed: number
  /** Frames per second and camera; null: measured at the start. */
  readonly frameRate: number | null
  /** Absolute path of the summary. */
  readonly json: string | null
  readonly keep: boolean
}

/** Wrong options (exit status 2) or a request for help (0), with what to print. */
export class UsageError extends Error {
  readonly exitStatus: 0 | 2
  constructor(message: string, exitStatus: 0 | 2 = 2) {
    super(message)
    this.name = 'UsageError'
    this.exitStatus = exitStatus
  }
}

interface RawOptions {
  readonly cameras: string
  readonly window: string
  readonly windows?: string
  readonly policy: string
  readonly source: string
  readonly model?: string
  readonly kubeconfig?: string
  readonly gpu?: boolean
  readonly seed: string
  readonly frameRate?: string
  readonly json?: string
  readonly keep?: boolean
}

const policies = policyNames()
const windowSeconds = { minimum: 10, maximum: 24 * 3600 }
const camerasMaximum = 32

function command(): Command {
  return new Command('demo')
    .description(
      'The whole loop on this machine: a control plane, a node, the operator and cameras whose scenes drift.',
    )
    .usage('[options]')
    .option('--cameras <n>', `number of cameras, 1 to ${camerasMaximum}`, '4')
    .option('--window <duration>', 'length of a window, from 10s to 24h', '60s')
    .option('--windows <n>', 'end after so many windows with a summary; default: go on until Ctrl-C')
    .option('--json <file>', 'write the summary as JSON (with --windows)')
    .option('--policy <name>', `who decides: ${policies.join(', ')}`, 'thief')
    .option(
      '--source <source>',
      'scene (generated), or samples:FOLDER with cam-0, cam-1 … and pretrain.csv',
      'scene',
    )
    .option('--model <file>', 'ONNX file deployed first; default: a small one that belongs to the source')
    .option(
      '--frame-rate <n>',
      'frames per second and camera; default: so that inference needs 60 % of the cores, 10 with --gpu, or that a list plays once',
    )
    .option('--seed <n>', 'seed of the scenes', '1')
    .option('--gpu', "share this machine's NVIDIA GPU through MPS instead of its cores (as root)")
    .option('--kubeconfig <file>', 'use this cluster instead of starting a control plane')
    .option('--keep', 'leave the logs and models of the run in the cache folder')
}

/**
 * @param folder what relative paths start from
 * @throws UsageError with all problems
 */
export function parseOptions(args: readonly string[], folder: string): DemoOptions {
  const printed: string[] = []
  const program = command()
    .exitOverride()
    .allowUnknownOption()
    .allowExcessArguments()
    .configureOutput({ writeOut: text => printed.push(text), writeErr: text => printed.push(text) })
  try {
    program.parse(args, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.code === 'commander.helpDisplayed') throw new UsageError(printed.join('').trimEnd(), 0)
    throw new UsageError(
      usage([
        printed
          .join('')
          .trim()
          .replace(/^error: /, ''),
      ]),
    )
  }
  const problems: string[] = program.args.map(
    argument => `${argument}: not known; see --help for what is accepted`,
  )
  const options = read(program.opts<RawOptions>(), resolve(folder), problem => problems.push(problem))
  if (problems.length > 0) throw new UsageError(usage(problems))
  return options
}

const usage = (problems: readonly string[]): string =>
  ['The demo cannot start like this:', ...problems.map(problem => `  ${problem}`), 'See --help.'].join('\n')

function read(raw: RawOptions, folder: string, report: (problem: string) => void): DemoOptions {
  const number = (
    name: string,
    text: string,
    accepts: { from: number; to: number; whole?: boolean },
  ): number => {
    const value = text.trim() === '' ? Number.NaN : Number(text)
    const isWhole = accepts.whole === false || Number.isSafeInteger(value)
    if (value >= accepts.from && value <= accepts.to && isWhole) return value
    const kind = accepts.whole === false ? 'a number' : 'a whole number'
    report(`${name} ${text}: accepted is ${kind} from ${accepts.from} to ${accepts.to}`)
    return accepts.from
  }
  const file = (name: string, path: string | undefined): string | null => {
    if (path === undefined) return null
    const absolute = resolve(folder, path)
    if (!isKind(absolute, 'file')) report(`${name} ${path}: there is no such file`)
    return absolute
  }

  const cameras = number('--cameras', raw.cameras, { from: 1, to: camerasMaximum })
  const windows = raw.windows === undefined ? null : number('--windows', raw.windows, { from: 1, to: 10_000 })
  const seconds = duration(raw.window, report)
  if (!policies.includes(raw.policy))
    report(`--policy ${raw.policy}: unknown; accepted: ${policies.join(', ')}`)
  const source = readSource(raw.source, folder, cameras, raw.model === undefined, report)
  if (raw.json !== undefined) {
    if (windows === null) report('--json needs --windows N: without an end there is no summary')
    if (!isKind(dirname(resolve(folder, raw.json)), 'folder'))
      report(`--json ${raw.json}: its folder does not exist`)
    else if (isKind(resolve(folder, raw.json), 'folder')) report(`--json ${raw.json}: is a folder`)
  }
  return {
    cameras,
    window: raw.window,
    windowSeconds: seconds,
    windows,
    policy: raw.policy,
    source,
    model: file('--model', raw.model),
    kubeconfig: file('--kubeconfig', raw.kubeconfig),
    gpu: raw.gpu ?? false,
    seed: number('--seed', raw.seed, { from: 1, to: 1_000_000 }),
    frameRate:
      raw.frameRate === undefined
        ? null
        : number('--frame-rate', raw.frameRate, { from: 0.1, to: 60, whole: false }),
    json: raw.json === undefined ? null : resolve(folder, raw.json),
    keep: raw.keep ?? false,
  }
}

function duration(text: string, report: (problem: string) => void): number {
  const accepted = 'accepted are durations from 10s to 24h, such as 60s or 3m20s'
  try {
    const seconds = parseDuration(text)
    if (seconds >= windowSeconds.minimum && seconds <= windowSeconds.maximum) return seconds
  } catch {
    // Reported below, like one that is out of range.
  }
  report(`--window ${text}: ${accepted}`)
  return windowSeconds.minimum
}

function readSource(
  text: string,
  folder: string,
  cameras: number,
  needsPretraining: boolean,
  report: (problem: string) => void,
): DemoSource {
  if (text === 'scene') return { kind: 'scene' }
  const path = /^samples:(.+)$/.exec(text)?.[1]
  if (path === undefined) {
    report(`--source ${text}: accepted are scene and samples:FOLDER`)
    return { kind: 'scene' }
  }
  const absolute = resolve(folder, path)
  if (!isKind(absolute, 'folder')) {
    report(`--source ${text}: there is no such folder`)
    return { kind: 'samples', folder: absolute }
  }
  for (let camera = 0; camera < cameras; camera++) {
    if (isKind(join(absolute, `cam-${camera}`), 'folder')) continue
    report(
      `--source ${text}: has no folder cam-${camera}, but --cameras is ${cameras}; one folder a camera is accepted`,
    )
    break
  }
  if (needsPretraining && !isKind(join(absolute, 'pretrain.csv'), 'file')) {
    report(`--source ${text}: has no pretrain.csv to pretrain a model on; give one with --model FILE`)
  }
  return { kind: 'samples', folder: absolute }
}

function isKind(path: string, kind: 'file' | 'folder'): boolean {
  if (!existsSync(path)) return false
  const found = statSync(path)
  return kind === 'file' ? found.isFile() : found.isDirectory()
}

/** What the resource accepts, so that the two cannot drift apart. */
function policyNames(): readonly string[] {
  return specSchemas.RetrainingWindow?.properties?.scheduler?.properties?.policy?.enum ?? []
}
