/**
 * One container as a local process.
 *
 *   waiting ──start──▶ running ──exits──▶ terminated ──restart (policy and back-off decide, see pod-worker.ts)──▶ running
 *
 * The process leads its own process group; SIGTERM goes to it, SIGKILL to the whole group and to all that is in its cpu group.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { terminationMessageLimitBytes } from '../../operator/api/worker.ts'
import { processGuard } from '../control-plane/guard.ts'
import type { Launch } from './container-environment.ts'
import type { CpuGroup, CpuLimit } from './limiters/limiter.ts'
import { type Mount, withMounts } from './mounts.ts'
import { type ContainerSpec, type ContainerState, type TerminatedState, timestamp } from './pod.ts'
import { type ProbeResult, runProbe } from './prober.ts'
import { parseQuantity } from './quantity.ts'

export interface ContainerHost {
  readonly spec: ContainerSpec
  /** For logs, the termination message and as the working directory's default. */
  readonly directory: string
  readonly podIP: string
  /** Made for this container alone. */
  readonly mounts: readonly Mount[]
  readonly group: CpuGroup
  readonly restartCount: number
  readonly lastState: ContainerState
  /** Something that the pod's status shows has changed. */
  readonly onChange: () => void
}

export class Container {
  readonly spec: ContainerSpec
  readonly directory: string
  readonly #host: ContainerHost
  #state: ContainerState = { waiting: { reason: 'ContainerCreating' } }
  #lastState: ContainerState
  #restartCount: number
  #starts = 0
  #child: ChildProcess | undefined
  #startedAt = new Date(0)
  #startedMonotonic = 0
  #ready = false
  #started = false
  #probes: AbortController | undefined
  #killTimer: NodeJS.Timeout | undefined
  #killReason: string | undefined
  #memoryTimer: NodeJS.Timeout | undefined

  constructor(host: ContainerHost) {
    this.#host = host
    this.spec = host.spec
    this.directory = host.directory
    this.#restartCount = host.restartCount
    this.#lastState = host.lastState
  }

  get state(): ContainerState {
    return this.#state
  }

  get lastState(): ContainerState {
    return this.#lastState
  }

  get restartCount(): number {
    return this.#restartCount
  }

  get ready(): boolean {
    return this.#ready
  }

  get started(): boolean {
    return this.#started
  }

  get running(): boolean {
    return this.#child !== undefined
  }

  get pid(): number | undefined {
    return this.#child?.pid
  }

  /** How long the process that ended last, or the one that runs, has run. */
  get ranMs(): number {
    return performance.now() - this.#startedMonotonic
  }

  get id(): string | undefined {
    return this.#starts > 0
      ? `process://${this.#host.directory.replaceAll('/', '-').slice(-40)}-${this.#restartCount}`
      : undefined
  }

  get terminationLog(): string {
    return join(this.directory, 'termination-log')
  }

  get log(): string {
    return this.logOf(this.#restartCount)
  }

  logOf(restartCount: number): string {
    return join(this.directory, `${restartCount}.log`)
  }

  usedSeconds(): number {
    return this.#host.group.usedSeconds()
  }

  setLimit(limit: CpuLimit): void {
    this.#host.group.setLimit(limit)
  }

  /** Not running because of an earlier life, of which only the API knows. */
  adoptTermination(terminated: TerminatedState): void {
    this.#state = { terminated }
  }

  wait(reason: string, message?: string): void {
    if (this.#state.terminated) this.#lastState = this.#state
    this.#state = { waiting: message === undefined ? { reason } : { reason, message } }
  }

  start(launch: Launch): void {
    if (this.#state.terminated) this.#lastState = this.#state
    if (this.#starts > 0 || this.#lastState.terminated) this.#restartCount++
    this.#starts++
    mkdirSync(this.directory, { recursive: true })
    writeFileSync(this.terminationLog, '')
    this.#killReason = undefined
    this.#ready = false
    this.#started = !this.spec.startupProbe
    this.#startedAt = new Date()
    this.#startedMonotonic = performance.now()
    const cwd = this.spec.workingDir ?? this.directory
    if (!existsSync(cwd)) {
      this.#fail(`workingDir ${cwd} does not exist`)
      return
    }
    const log = openSync(this.log, 'a')
    const [program, ...args] = this.#host.group.enter(withMounts(this.#host.mounts, launch.command)) as [
      string,
      ...string[],
    ]
    const child = spawn(program, args, {
      detached: true,
      cwd,
      env: { ...launch.env },
      stdio: ['ignore', log, log],
    })
    closeSync(log)
    const { pid } = child
    if (pid === undefined) {
      child.once('error', error => this.#fail(error.message))
      return
    }
    processGuard().watchGroup(pid)
    this.#host.group.attach(pid)
    this.#child = child
    this.#state = { running: { startedAt: timestamp(this.#startedAt) } }
    child.once('exit', (code, signal) => this.#exited(pid, code, signal))
    this.#watchMemory(pid)
    this.#startProbes({ ...launch.env }, cwd)
  }

  /** SIGTERM, then SIGKILL after `graceMs`; at once for 0. A later call can only shorten the time. */
  stop(graceMs: number, reason?: string): void {
    const child = this.#child
    if (!child?.pid) return
    this.#killReason ??= reason
    this.#probes?.abort()
    clearTimeout(this.#killTimer)
    if (graceMs <= 0) {
      this.#kill(child.pid)
      return
    }
    try {
      process.kill(child.pid, (this.spec.lifecycle?.stopSignal as NodeJS.Signals | undefined) ?? 'SIGTERM')
    } catch {
      // It has just ended.
    }
    this.#killTimer = setTimeout(() => this.#kill(child.pid!), graceMs)
  }

  async close(): Promise<void> {
    this.#probes?.abort()
    await this.#host.group.close()
  }

  #kill(pid: number): void {
    try {
      process.kill(-pid, 'SIGKILL')
    } catch {
      // It has just ended.
    }
    this.#host.group.kill()
  }

  #exited(pid: number, code: number | null, signal: NodeJS.Signals | null): void {
    // What the process has left behind goes with it, as it would with a container.
    this.#kill(pid)
    processGuard().forgetGroup(pid)
    clearTimeout(this.#killTimer)
    clearInterval(this.#memoryTimer)
    this.#probes?.abort()
    this.#child = undefined
    const number = signal ? constants.signals[signal] : undefined
    this.#terminate(code ?? 128 + (number ?? 0), this.#readTerminationMessage(code ?? 1), number)
  }

  #fail(message: string): void {
    this.#terminate(128, message, undefined, 'StartError')
  }

  #terminate(
    exitCode: number,
    message: string | undefined,
    signal: number | undefined,
    reason?: string,
  ): void {
    this.#ready = false
    this.#started = false
    const killedFor = this.#killReason === 'OOMKilled' ? 'OOMKilled' : undefined
    this.#state = {
      terminated: {
        exitCode,
        reason: reason ?? killedFor ?? (exitCode === 0 ? 'Completed' : 'Error'),
        ...(signal === undefined ? {} : { signal }),
        ...(message ? { message } : {}),
        startedAt: timestamp(this.#startedAt),
        finishedAt: timestamp(new Date()),
        ...(this.id === undefined ? {} : { containerID: this.id }),
      },
    }
    this.#host.onChange()
  }

  #readTerminationMessage(exitCode: number): string | undefined {
    const message = readEdge(this.terminationLog, terminationMessageLimitBytes, 'start')
    if (message !== '' || exitCode === 0 || this.spec.terminationMessagePolicy !== 'FallbackToLogsOnError')
      return message
    return readEdge(this.log, 2048, 'end')
  }

  #startProbes(env: Record<string, string>, cwd: string): void {
    const controller = new AbortController()
    this.#probes = controller
    const { startupProbe, livenessProbe, readinessProbe } = this.spec
    const target = { address: this.#host.podIP, container: this.spec, env, cwd }
    const restartOn = (name: string) => (result: ProbeResult) => {
      if (result.healthy) return
      const grace = 1000 * 30
      this.stop(grace, `${name} probe failed: ${result.message}`)
      this.#host.onChange()
    }
    const whenStarted = () => {
      this.#started = true
      if (!readinessProbe) this.#ready = true
      else {
        const onReadiness = ({ healthy }: ProbeResult) => {
          this.#ready = healthy
          this.#host.onChange()
        }
        runProbe(readinessProbe, target, onReadiness, controller.signal)
      }
      if (livenessProbe) runProbe(livenessProbe, target, restartOn('liveness'), controller.signal)
      this.#host.onChange()
    }
    if (!startupProbe) {
      whenStarted()
      return
    }
    const startup = new AbortController()
    controller.signal.addEventListener('abort', () => startup.abort(), { once: true })
    const onStartup = (result: ProbeResult) => {
      startup.abort()
      if (result.healthy) whenStarted()
      else restartOn('startup')(result)
    }
    runProbe(startupProbe, target, onStartup, startup.signal)
  }

  /** A memory limit is watched, not enforced by the kernel: what lies above it for a moment escapes. */
  #watchMemory(pid: number): void {
    const limit = parseQuantity(this.spec.resources?.limits?.memory)
    if (limit === undefined) return
    this.#memoryTimer = setInterval(() => {
      if (residentBytes(pid) <= limit) return
      this.#killReason = 'OOMKilled'
      this.#kill(pid)
    }, 1000)
    this.#memoryTimer.unref()
  }
}

const pageBytes = 4096

function residentBytes(pid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * pageBytes
  } catch {
    return 0
  }
}

function readEdge(path: string, bytes: number, edge: 'start' | 'end'): string {
  try {
    const { size } = statSync(path)
    const buffer = Buffer.alloc(Math.min(bytes, size))
    const file = openSync(path, 'r')
    readSync(file, buffer, 0, buffer.length, edge === 'start' ? 0 : size - buffer.length)
    closeSync(file)
    return buffer.toString('utf8')
  } catch {
    return ''
  }
}
