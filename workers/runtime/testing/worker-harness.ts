/** Runs a worker in this process as its pod would run it: configuration in the environment, HTTP on loopback, the message in a file. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import {
  configVariable,
  podAddressVariable,
  terminationLogVariable,
  type WorkerRole,
} from '../../../operator/api/worker.ts'
import { runWorker, type Worker, type WorkerContext } from '../run-worker.ts'
import type { ConfigByRole } from '../validate.ts'

export interface Answered<T> {
  readonly status: number
  readonly body: T
}

export interface RunningWorker {
  get<T = unknown>(path: string): Promise<Answered<T>>
  post<T = unknown>(path: string, body: unknown): Promise<Answered<T>>
  /** Polls until `holds`; fails after ten seconds, saying what was there last. */
  until<T>(path: string, holds: (body: T) => boolean): Promise<T>
  /** Asks it to end, as the kubelet does. */
  terminate(): void
  /** Its exit code and termination message. */
  readonly ended: Promise<{ readonly code: number; readonly message: unknown; readonly text: string }>
}

export async function startWorker<Role extends WorkerRole>(
  role: Role,
  config: ConfigByRole[Role] | string,
  create: (context: WorkerContext<ConfigByRole[Role]>) => Worker,
  folder: string,
): Promise<RunningWorker> {
  const ending = new AbortController()
  const log = join(folder, `termination-${Math.random().toString(36).slice(2)}`)
  const listening = Promise.withResolvers<number>()
  const running = runWorker(role, create, {
    environment: {
      [configVariable]: typeof config === 'string' ? config : JSON.stringify(config),
      [podAddressVariable]: '127.0.0.1',
      [terminationLogVariable]: log,
      EKYA_LOG_LEVEL: process.env.EKYA_LOG_LEVEL ?? 'silent',
    },
    signal: ending.signal,
    port: 0,
    onListening: listening.resolve,
  })
  const ended = running.then(async code => {
    const text = await readFile(log, 'utf8').catch(() => '')
    return { code, text, message: text === '' ? null : JSON.parse(text) }
  })
  void running.finally(() => listening.resolve(0))
  const port = await listening.promise
  const ask = async <T>(path: string, init?: RequestInit): Promise<Answered<T>> => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      ...init,
      headers: { connection: 'close' },
    })
    const text = await response.text()
    const json = response.headers.get('content-type')?.includes('json')
    return { status: response.status, body: (json ? JSON.parse(text) : text) as T }
  }
  return {
    get: path => ask(path),
    post: (path, body) =>
      ask(path, { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) }),
    async until<T>(path: string, holds: (body: T) => boolean) {
      const deadline = Date.now() + 10_000
      for (;;) {
        const { body } = await ask<T>(path)
        if (holds(body)) return body
        if (Date.now() > deadline) throw new Error(`${path} did not come to it: ${JSON.stringify(body)}`)
        await delay(10)
      }
    },
    terminate: () => ending.abort(new DOMException('SIGTERM: the process is asked to end', 'AbortError')),
    ended,
  }
}
