/** One program of the node inside its namespaces: its log goes to a file, and it can be ended and started by itself. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { processGuard } from '../control-plane/guard.ts'
import { NodeError } from './errors.ts'
import type { NodeNamespace } from './namespace.ts'

export class NodeComponent {
  readonly name: string
  readonly log: string
  readonly #child: ChildProcess
  #ended: string | undefined

  constructor(namespace: NodeNamespace, name: string, command: readonly string[], log: string) {
    this.name = name
    this.log = log
    const [program, ...args] = namespace.enter(command)
    const output = openSync(log, 'a', 0o600)
    this.#child = spawn(program!, args, { detached: true, stdio: ['ignore', output, output] })
    closeSync(output)
    const { pid } = this.#child
    if (pid !== undefined) processGuard().watchGroup(pid)
    this.#child.on('error', error => {
      this.#ended ??= error.message
    })
    this.#child.on('exit', (code, signal) => {
      this.#ended ??= signal ?? `status ${code}`
      if (pid !== undefined) processGuard().forgetGroup(pid)
    })
    this.#child.unref()
  }

  /** @throws NodeError `start-failed` when it has ended. */
  assertRunning(): void {
    if (this.#ended !== undefined)
      throw new NodeError('start-failed', `${this.name} ended with ${this.#ended}.\n${this.lastLogLines()}`)
  }

  /** Ends the program (not the containers, which are not in its process group). */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (this.#ended !== undefined || this.#child.pid === undefined) return
    this.#child.ref()
    const exited = once(this.#child, 'exit')
    // nsenter waits for the program; both are in the group.
    process.kill(-this.#child.pid, signal)
    await exited
  }

  lastLogLines(count = 15): string {
    let text = ''
    try {
      text = readFileSync(this.log, 'utf8')
    } catch {
      // Never started.
    }
    const lines = text.trimEnd().split('\n').slice(-count)
    return `Last lines of ${this.log}:\n${lines.map(line => `  ${line.slice(0, 400)}`).join('\n')}`
  }
}
