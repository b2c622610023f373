/**
 * The namespaces in which a node lives: its own mounts, network and processes.
 *
 * Nothing that containerd, kubelet, kube-proxy or a container makes there can outlive the first process, which the kernel and guard.ts
 * end with this one; and several nodes share a machine, each with its own /var/lib/kubelet.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { run } from '../control-plane/build.ts'
import { processGuard } from '../control-plane/guard.ts'
import { NodeError } from './errors.ts'

const script = fileURLToPath(new URL('namespace.sh', import.meta.url))

export class NodeNamespace {
  /** The first process's number on this machine. */
  readonly pid: number
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, pid: number) {
    this.#child = child
    this.pid = pid
  }

  /** @throws NodeError `start-failed` */
  static async open(kubeletFolder: string): Promise<NodeNamespace> {
    const child = spawn(
      'unshare',
      [
        '--mount',
        '--net',
        '--pid',
        '--fork',
        '--kill-child',
        '--propagation',
        'slave',
        'bash',
        script,
        kubeletFolder,
      ],
      { detached: true, stdio: ['pipe', 'pipe', 'pipe'] },
    )
    if (child.pid !== undefined) processGuard().watchGroup(child.pid)
    let errors = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors += text
    })
    const lines = createInterface({ input: child.stdout })
    const [line] = await Promise.race([
      once(lines, 'line') as Promise<[string]>,
      once(child, 'close').then(() => [''] as [string]),
    ])
    const pid = Number(line)
    if (pid > 0) return new NodeNamespace(child, pid)
    if (child.pid !== undefined) processGuard().forgetGroup(child.pid)
    throw new NodeError('start-failed', `The namespaces of the node could not be set up: ${errors.trim()}`)
  }

  /** The command that runs `command` inside. */
  enter(command: readonly string[]): readonly string[] {
    return ['nsenter', '--target', String(this.pid), '--mount', '--net', '--pid', '--', ...command]
  }

  /** Runs a command inside and resolves with its standard output. */
  run(command: readonly string[]): Promise<string> {
    const [program, ...args] = this.enter(command)
    return run(program!, args)
  }

  /** Ends all processes inside; resolves when they are gone. */
  async close(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const ended = once(this.#child, 'exit')
      process.kill(this.pid, 'SIGKILL')
      await ended
    }
    processGuard().forgetGroup(this.#child.pid!)
  }
}
