/** `ekya node-agent` as a process of its own, with stand-ins of the driver: for tests that kill it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { processGuard } from '../../../hack/control-plane/guard.ts'
import type { DriverStandIns } from './driver-stand-ins.ts'

const command = fileURLToPath(new URL('../../../operator/cli/ekya.ts', import.meta.url))

export interface AgentProcessOptions {
  readonly kubeconfig: string
  readonly nodeName: string
  readonly driver: DriverStandIns
  readonly port: number
  /** Further arguments. */
  readonly more?: readonly string[]
}

export class AgentProcess {
  readonly #options: AgentProcessOptions
  #child: ChildProcess | undefined
  #output = ''

  constructor(options: AgentProcessOptions) {
    this.#options = options
  }

  /** What it has written since it was started last. */
  get output(): string {
    return this.#output
  }

  start(): void {
    const { kubeconfig, nodeName, driver, port, more = [] } = this.#options
    this.#output = ''
    const child = spawn(
      process.execPath,
      [
        ...[command, 'node-agent', '--kubeconfig', kubeconfig, '--node-name', nodeName],
        ...['--nvidia-smi', driver.nvidiaSmi, '--mps-control', driver.mpsControl],
        ...['--mps-folder', driver.mpsFolder, '--curve-folder', join(driver.folder, 'curves')],
        ...['--no-measure-curve', '--interval', '1', '--http-address', `127.0.0.1:${port}`],
        ...more,
      ],
      // A group of its own, with its MPS daemons: what outlives a test that is killed, the guard ends.
      { stdio: ['ignore', 'pipe', 'pipe'], detached: true },
    )
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#output += text
      })
    processGuard().watchGroup(child.pid!)
    this.#child = child
  }

  /** Waits for its end. */
  async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child
    this.#child = undefined
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill(signal)
    await ended
  }

  async get(path: string): Promise<{ readonly status: number; readonly body: string }> {
    const response = await fetch(`http://127.0.0.1:${this.#options.port}${path}`)
    return { status: response.status, body: await response.text() }
  }
}
