/**
 * Programs of the driver, as a port: what runs them is given, so that tests can put others in their place.
 *
 * `run` waits for the end and gives the output; `start` leaves the program running in the foreground as a child.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { AgentError } from './errors.ts'

export interface ProgramOptions {
  /** Beside this process' own environment; undefined takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly input?: string
  /** Default 30 s. */
  readonly timeoutMs?: number
}

export interface ProgramResult {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

export interface RunningProgram {
  readonly pid: number
  /** In words, once it has ended; never rejects. */
  readonly ended: Promise<string>
  /** undefined: it runs. */
  readonly end: string | undefined
  kill(signal: NodeJS.Signals): void
}

export interface Programs {
  /** @throws AgentError program-missing, program-timeout; or the signal's reason */
  run(
    program: string,
    args: readonly string[],
    options?: ProgramOptions,
    signal?: AbortSignal,
  ): Promise<ProgramResult>
  /** Every line of its output goes to `onLine`. @throws AgentError program-missing */
  start(
    program: string,
    args: readonly string[],
    options: Pick<ProgramOptions, 'env'> & { readonly onLine?: (line: string) => void },
  ): Promise<RunningProgram>
}

const outputLimit = 1 << 20

export const ownPrograms: Programs = {
  async run(program, args, { env = {}, input = '', timeoutMs = 30_000 } = {}, signal) {
    signal?.throwIfAborted()
    const child = spawn(program, [...args], { env: { ...process.env, ...env }, stdio: 'pipe' })
    const output = { stdout: '', stderr: '' }
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        if (output[name].length < outputLimit) output[name] += text
      })
    }
    // A program that does not read its input closes it first.
    child.stdin.on('error', () => {}).end(input)
    const limit = AbortSignal.timeout(timeoutMs)
    const stop = AbortSignal.any(signal ? [limit, signal] : [limit])
    const kill = () => child.kill('SIGKILL')
    stop.addEventListener('abort', kill, { once: true })
    try {
      const [status] = (await once(child, 'close')) as [number | null]
      signal?.throwIfAborted()
      if (limit.aborted) {
        throw new AgentError('program-timeout', `${shown(program, args)} did not end within ${timeoutMs} ms`)
      }
      return { status: status ?? 1, ...output }
    } catch (error) {
      throw missing(program, error) ?? error
    } finally {
      stop.removeEventListener('abort', kill)
    }
  },

  async start(program, args, { env = {}, onLine }) {
    const child = spawn(program, [...args], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    try {
      await once(child, 'spawn')
    } catch (error) {
      throw missing(program, error) ?? error
    }
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', line => onLine?.(line))
    }
    let end: string | undefined
    const ended = once(child, 'exit').then(([status, by]) => {
      end = by ? `was ended by ${by}` : `ended with status ${status}`
      return end
    })
    return {
      pid: child.pid!,
      ended,
      get end() {
        return end
      },
      kill: name => void child.kill(name),
    }
  },
}

export const shown = (program: string, args: readonly string[]): string => [program, ...args].join(' ')

function missing(program: string, error: unknown): AgentError | undefined {
  const { code } = error as NodeJS.ErrnoException
  if (code !== 'ENOENT' && code !== 'EACCES') return undefined
  return new AgentError(
    'program-missing',
    `${program} ${code === 'ENOENT' ? 'is not there' : 'may not be run'}; accepted: the NVIDIA driver's own, which its container toolkit puts into containers with NVIDIA_DRIVER_CAPABILITIES=compute,utility`,
    { cause: error },
  )
}
