/**
 * One program of the control plane as a child process: its log goes to a file, and it dies with us.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { ControlPlaneError } from './errors.ts'
import { processGuard } from './guard.ts'
import type { ComponentName } from './versions.ts'

export interface ComponentSpec {
  readonly name: Exclude<ComponentName, 'kubectl'>
  readonly path: string
  readonly args: readonly string[]
  readonly log: string
}

export class RunningComponent {
  readonly name: ComponentSpec['name']
  /** Settles when the process is gone; never rejects. */
  readonly exited: Promise<void>
  readonly #child: ChildProcess
  readonly #log: string
  #ended: string | undefined

  constructor(spec: ComponentSpec) {
    this.name = spec.name
    this.#log = spec.log
    const log = openSync(spec.log, 'a', 0o600)
    // Its own group, so that Ctrl-C reaches us alone and the order of the shutdown stays ours.
    this.#child = spawn(spec.path, spec.args, { detached: true, stdio: ['ignore', log, log] })
    closeSync(log)
    const { pid } = this.#child
    if (pid !== undefined) processGuard().watchGroup(pid)
    this.#child.unref()
    this.exited = new Promise(resolve => {
      const settle = (how: string) => {
        this.#ended ??= how
        if (pid !== undefined) processGuard().forgetGroup(pid)
        resolve()
      }
      this.#child.on('error', error => settle(error.message))
      this.#child.on('exit', (code, signal) => settle(signal ?? `status ${code}`))
    })
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  get running(): boolean {
    return this.#ended === undefined
  }

  kill(signal: NodeJS.Signals = 'SIGKILL'): void {
    if (!this.running || this.#child.pid === undefined) return
    // Whoever kills awaits the end, and the event loop must live that long.
    this.#child.ref()
    this.#child.kill(signal)
  }

  /** @throws ControlPlaneError `start-failed` when the process has ended. */
  assertRunning(): void {
    if (!this.running) {
      const message = `${this.name} ended with ${this.#ended}.\n${this.lastLogLines()}`
      throw new ControlPlaneError('start-failed', message, {
        retryable: message.includes('address already in use'),
      })
    }
  }

  lastLogLines(count = 12): string {
    let text = ''
    try {
      text = readFileSync(this.#log, 'utf8')
    } catch {
      // Never started, or the folder is gone.
    }
    const lines = text.trimEnd().split('\n').slice(-count)
    return `Last lines of ${this.#log}:\n${lines.map(line => `  ${line.slice(0, 400)}`).join('\n')}`
  }
}
