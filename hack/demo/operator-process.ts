/**
 * The operator as a child process, kept alive like a Deployment would: one that dies is started again, and only one that keeps
 * dying is a failure. So `kill -9` of the operator is something to try while the demo runs.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { processGuard } from '../control-plane/guard.ts'

export interface OperatorOptions {
  readonly repository: string
  readonly kubeconfig: string
  /** Absolute path of the storage folder. */
  readonly storage: string
  /** host:port of its HTTP server. */
  readonly address: string
  /** Of the worker pods; absent: the operator's default, which a process node does not look at. */
  readonly workerImage?: string
  /** Further arguments. */
  readonly more?: readonly string[]
  /** File that its output is added to. */
  readonly log: string
  /** The only one that it watches, and where its Lease is; absent: all, and `default`. */
  readonly namespace?: string
  readonly onRestart: (line: string) => void
  /** Default true. Without it a restarted operator need not wait until the lease of the one before runs out. */
  readonly leaderElection?: boolean
  /** Deaths within a minute that are taken for a failure (default 3). */
  readonly maximumDeaths?: number
  /** It keeps dying. */
  readonly onFailure: (error: Error) => void
}

export interface OperatorProcess {
  readonly url: string
  readonly pid: number | undefined
  /** Resolves when `/readyz` says so. */
  ready(timeoutMs: number, signal?: AbortSignal): Promise<void>
  stop(): Promise<void>
}

/** It is given up when it dies so often within that time. */
const patience = { deaths: 3, withinMs: 60_000 }
const graceMs = 10_000

export function startOperator(options: OperatorOptions): OperatorProcess {
  const deaths: number[] = []
  let child: ChildProcess | undefined
  let stopping = false

  const launch = (): void => {
    const log = openSync(options.log, 'a')
    const started = spawn(
      process.execPath,
      [
        `${options.repository}/operator/cli/ekya.ts`,
        'operator',
        '--kubeconfig',
        options.kubeconfig,
        '--storage',
        `hostPath:${options.storage}`,
        '--http-address',
        options.address,
        ...(options.namespace
          ? ['--namespace', options.namespace, '--lease-namespace', options.namespace]
          : []),
        ...(options.workerImage ? ['--worker-image', options.workerImage] : []),
        ...(options.leaderElection === false ? ['--no-leader-elect'] : []),
        ...(options.more ?? []),
      ],
      // A group of its own: a Ctrl-C at the terminal is for the demo, which then stops things in order.
      { cwd: options.repository, detached: true, stdio: ['ignore', log, log] },
    )
    closeSync(log)
    child = started
    if (started.pid) processGuard().watchGroup(started.pid)
    started.on('error', error => options.onFailure(error))
    started.on('exit', (code, signal) => {
      if (started.pid) processGuard().forgetGroup(started.pid)
      if (stopping) return
      const now = Date.now()
      deaths.push(now)
      const recent = deaths.filter(time => now - time < patience.withinMs).length
      const how = signal ? `was ended by ${signal}` : `ended with status ${code}`
      if (recent >= (options.maximumDeaths ?? patience.deaths)) {
        logTail(options.log).then(tail =>
          options.onFailure(new Error(`the operator ${how}, for the ${recent}th time\n${tail}`)),
        )
        return
      }
      options.onRestart(`the operator ${how}; starting it again`)
      launch()
    })
  }
  launch()

  return {
    url: `http://${options.address}`,
    get pid() {
      return child?.pid
    },

    async ready(timeoutMs, signal) {
      const deadline = performance.now() + timeoutMs
      let answer = 'no answer'
      while (performance.now() < deadline) {
        signal?.throwIfAborted()
        try {
          const response = await fetch(`http://${options.address}/readyz`, {
            signal: AbortSignal.timeout(2000),
          })
          answer = await response.text()
          if (response.ok) return
        } catch {
          // It does not listen yet.
        }
        await delay(100, undefined, { signal })
      }
      throw new Error(
        `the operator was not ready after ${timeoutMs / 1000} s: ${answer.trim()}\n${await logTail(options.log)}`,
      )
    },

    async stop() {
      stopping = true
      const running = child
      if (!running || running.exitCode !== null || running.signalCode !== null) return
      const exited = once(running, 'exit')
      running.kill('SIGTERM')
      const inTime = await Promise.race([exited.then(() => true), delay(graceMs, false, { ref: false })])
      if (inTime) return
      running.kill('SIGKILL')
      await exited
    },
  }
}

const shownLines = 12

/** The end of a log of JSON lines, errors first and in words. */
export async function logTail(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch(() => '')
  const all = text.trimEnd().split('\n')
  const readable = all.slice(-400).map(line => {
    try {
      const entry = JSON.parse(line) as { level?: number; msg?: string; err?: { message?: string } }
      return { level: entry.level ?? 30, text: [entry.msg, entry.err?.message].filter(Boolean).join(': ') }
    } catch {
      return { level: 30, text: line }
    }
  })
  const errors = readable.filter(({ level }) => level >= 50)
  const shown = (errors.length > 0 ? errors : readable).slice(-shownLines)
  return [`the end of ${file}:`, ...shown.map(line => `  ${line.text}`)].join('\n')
}
