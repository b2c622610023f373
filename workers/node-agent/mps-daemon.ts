/**
 * The MPS control daemon of one GPU, kept alive. `check` is to be called again and again; nothing happens between two calls.
 *
 *   absent ──start, or take over one that answers──▶ serving ──a server in FAULT──▶ fault
 *     ▲                                                │  ▲                           │
 *     │◀──ended, or does not answer────────────────────┘  └──server ACTIVE again──────┤
 *     └◀──stopped, when the server stays in FAULT although all its clients have gone──┘
 *
 * One that has just ended is told as a fault, too: its clients are lost as well, and it is mostly back at the next check.
 * One that runs and does not answer may still carry its clients; it is stopped only after a long time without an answer.
 * A daemon that dies takes its server and all clients with it, so one that runs already (this agent was killed, its daemon was not) is taken over
 * and not replaced. A start that fails is tried again after 1, 2, 4 … 60 s.
 */
import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { type BackoffOptions, backoffMs } from '../../operator/kube/backoff.ts'
import { type Clock, sleep } from '../../operator/kube/clock.ts'
import { AgentError, messageOf } from './errors.ts'
import type { MpsClient, MpsControl, MpsServer } from './mps-control.ts'
import type { Programs, RunningProgram } from './programs.ts'

export interface DaemonReading {
  /** `fault`: clients are lost, and it is to serve again in a moment. `failed`: there is no daemon that serves. */
  readonly state: 'ready' | 'fault' | 'failed'
  /** Where it is not ready, as a sentence. */
  readonly reason?: string
  readonly servers: readonly MpsServer[]
  readonly clients: readonly MpsClient[]
}

export interface MpsDaemonOptions {
  /** `nvidia-cuda-mps-control`. */
  readonly program: string
  readonly uuid: string
  readonly pipeDirectory: string
  readonly logDirectory: string
  readonly programs: Programs
  readonly control: MpsControl
  readonly clock: Clock
  /** Before each start: folders, compute mode. What it throws is why the start failed. */
  readonly prepare?: (signal?: AbortSignal) => Promise<void>
  readonly onLine?: (line: string) => void
  readonly onStart?: (how: 'started' | 'taken-over') => void
  readonly onFault?: () => void
}

/** Checks in a row with a server in FAULT and no client left, after which the daemon is replaced. */
const patience = 3
/** Checks in a row without an answer, after which a daemon that runs is replaced. */
const patienceWithSilence = 12
const answersWithinMs = 10_000
const endsWithinMs = 5000
const noticedWithinMs = 1000
/** How long one that has ended is expected back. */
const returnsWithinMs = 30_000
const restart: BackoffOptions = { initialMs: 1000, maximumMs: 60_000, jitter: 0 }

export class MpsDaemon {
  readonly #options: MpsDaemonOptions
  #child: RunningProgram | undefined
  #takenOver = false
  #failures = 0
  #retryAtMs = 0
  #faultsWithoutClients = 0
  #silences = 0
  #endedAtMs = Number.NEGATIVE_INFINITY
  #inFault = false
  #lastLine = ''
  #reading: DaemonReading = {
    state: 'failed',
    reason: 'its MPS control daemon has not been started yet',
    servers: [],
    clients: [],
  }

  constructor(options: MpsDaemonOptions) {
    this.#options = options
  }

  get reading(): DaemonReading {
    return this.#reading
  }

  /** Rejects on abort only. */
  async check(signal?: AbortSignal): Promise<DaemonReading> {
    try {
      if (!(await this.#running(signal))) await this.#start(signal)
      this.#reading = await this.#look(signal)
      this.#endedAtMs = Number.NEGATIVE_INFINITY
      this.#failures = 0
      this.#silences = 0
    } catch (error) {
      signal?.throwIfAborted()
      const state = this.#options.clock.monotonicMs() - this.#endedAtMs < returnsWithinMs ? 'fault' : 'failed'
      this.#reading = { state, reason: messageOf(error), servers: [], clients: [] }
    }
    return this.#reading
  }

  /** @returns whether the client was ended. @throws AgentError */
  async terminate(pid: number, signal?: AbortSignal): Promise<boolean> {
    const client = (await this.#options.control.clients(signal)).find(each => each.pid === pid)
    return client !== undefined && (await this.#options.control.terminate(client, signal))
  }

  /** Ends the daemon, and with it all clients of the GPU. Does not reject. */
  async stop(): Promise<void> {
    const { control } = this.#options
    if (this.#child && this.#child.end === undefined) {
      const child = this.#child
      child.kill('SIGTERM')
      await this.#within(endsWithinMs, child.ended)
      if (child.end === undefined) child.kill('SIGKILL')
      await child.ended
    } else if (this.#takenOver) {
      await control.quit().catch(() => {})
      const pid = await this.#pidOfTakenOver()
      if (pid !== undefined) kill(pid)
    }
    this.#forget()
  }

  async #running(signal?: AbortSignal): Promise<boolean> {
    const { control, onStart } = this.#options
    if (this.#child?.end !== undefined) {
      const said = this.#lastLine && `: ${this.#lastLine}`
      this.#hasEnded(`its MPS control daemon ${this.#child.end}${said}`)
    }
    if (this.#child !== undefined) return true
    if (this.#takenOver) {
      if (await control.servers(signal).then(always, absent)) return true
      this.#hasEnded('its MPS control daemon, which was taken over, has ended')
    }
    if (!(await control.servers(signal).then(always, absent))) return false
    this.#takenOver = true
    onStart?.('taken-over')
    return true
  }

  /** Its clients are lost: another one is started at the next check, so that everybody sees that. @throws AgentError always */
  #hasEnded(reason: string): never {
    this.#endedAtMs = this.#options.clock.monotonicMs()
    this.#forget()
    this.#failed()
    throw new AgentError('daemon-absent', reason)
  }

  async #start(signal?: AbortSignal): Promise<void> {
    const { program, uuid, pipeDirectory, logDirectory, programs, control, clock } = this.#options
    const waitMs = this.#retryAtMs - clock.monotonicMs()
    if (waitMs > 0) {
      throw new AgentError('daemon-absent', this.#reading.reason ?? 'its MPS control daemon is being started')
    }
    try {
      await this.#options.prepare?.(signal)
      this.#lastLine = ''
      const child = await programs.start(program, ['-f', '-multiuser-server'], {
        env: {
          CUDA_VISIBLE_DEVICES: uuid,
          CUDA_MPS_PIPE_DIRECTORY: pipeDirectory,
          CUDA_MPS_LOG_DIRECTORY: logDirectory,
        },
        onLine: line => {
          this.#lastLine = line.slice(0, 300)
          this.#options.onLine?.(line)
        },
      })
      this.#child = child
      await this.#untilAnswers(child, control, signal)
      this.#options.onStart?.('started')
    } catch (error) {
      this.#failed()
      await this.stop()
      throw error
    }
  }

  async #untilAnswers(child: RunningProgram, control: MpsControl, signal?: AbortSignal): Promise<void> {
    const { clock } = this.#options
    const deadline = clock.monotonicMs() + answersWithinMs
    for (;;) {
      if (child.end !== undefined) {
        const said = this.#lastLine && `: ${this.#lastLine}`
        throw new AgentError('daemon-absent', `its MPS control daemon ${child.end}${said}`)
      }
      if (await control.servers(signal).then(always, absent)) return
      if (clock.monotonicMs() > deadline) {
        throw new AgentError(
          'daemon-absent',
          `its MPS control daemon did not answer within ${answersWithinMs / 1000} s${this.#lastLine && `: ${this.#lastLine}`}`,
        )
      }
      await sleep(clock, 50, signal)
    }
  }

  async #look(signal?: AbortSignal): Promise<DaemonReading> {
    const { control } = this.#options
    const ask = async () => ({
      servers: await control.servers(signal),
      clients: await control.clients(signal),
    })
    const { servers, clients } = await ask().catch(error => this.#explain(error))
    const broken = servers.filter(server => server.status === 'FAULT')
    if (broken.length === 0) {
      this.#faultsWithoutClients = 0
      this.#inFault = false
      return { state: 'ready', servers, clients }
    }
    if (!this.#inFault) this.#options.onFault?.()
    this.#inFault = true
    this.#faultsWithoutClients = clients.length === 0 ? this.#faultsWithoutClients + 1 : 0
    if (this.#faultsWithoutClients >= patience) {
      await this.stop()
      const reason = 'its MPS server stayed in FAULT without clients and is being replaced'
      return { state: 'fault', reason, servers: [], clients: [] }
    }
    const left =
      clients.length === 0
        ? 'no client is left'
        : `${clients.length} clients must end first (PIDs ${clients.map(({ pid }) => pid).join(', ')})`
    return {
      state: 'fault',
      reason: `an error of one client took MPS server ${broken[0]!.pid} down; it serves again once all its clients have gone: ${left}`,
      servers,
      clients,
    }
  }

  /** Why a daemon that was there does not answer. @throws AgentError always */
  async #explain(error: unknown): Promise<never> {
    const child = this.#child
    // Its end may not have been noticed yet.
    if (child) await this.#within(noticedWithinMs, child.ended)
    if (child?.end !== undefined) await this.#running()
    if (++this.#silences >= patienceWithSilence) {
      this.#silences = 0
      this.#failed()
      await this.stop()
    }
    throw error
  }

  #failed(): void {
    this.#failures++
    this.#retryAtMs = this.#options.clock.monotonicMs() + backoffMs(this.#failures, restart, () => 0)
  }

  #forget(): void {
    this.#child = undefined
    this.#takenOver = false
    this.#faultsWithoutClients = 0
    this.#inFault = false
  }

  /** The daemon notes its PID among its pipes; it must still be one, because PIDs are used again. */
  async #pidOfTakenOver(): Promise<number | undefined> {
    const { pipeDirectory, program } = this.#options
    const text = await readFile(join(pipeDirectory, 'nvidia-cuda-mps-control.pid'), 'utf8').catch(() => '')
    if (!/^\d+\s*$/.test(text)) return undefined
    const pid = Number(text)
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
    return command.includes(basename(program)) ? pid : undefined
  }

  #within(limitMs: number, ended: Promise<unknown>): Promise<void> {
    return new Promise(resolve => {
      const timer = this.#options.clock.schedule(resolve, limitMs)
      void ended.then(() => {
        timer.cancel()
        resolve()
      })
    })
  }
}

const always = (): boolean => true
/** What cannot be read comes from a daemon all the same. */
const absent = (error: unknown): boolean => {
  if (error instanceof AgentError && error.code === 'daemon-absent') return false
  throw error
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGTERM')
  } catch {
    // It has ended.
  }
}
