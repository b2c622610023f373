/**
 * A worker thread that answers requests, one after another in the order in which they came.
 *
 *   none ──start or a request──▶ idle ──request──▶ busy ──answer──▶ idle
 *                                  │                 │
 *                                  └─dies──▶ none ◀──┴─dies, or takes longer than timeoutMs: that request fails
 *
 * The thread's side listens on its parentPort and posts one answer for each message. It keeps the process alive only while it is at a
 * request. A request that cannot be posted fails alone.
 */
import type { Worker } from 'node:worker_threads'

export interface RequestThread<Request, Answer> {
  /** @throws ThreadFailed, or what posting the request throws. */
  ask(request: Request): Promise<Answer>
  /** So that the first request need not wait for the thread to load. */
  start(): void
  /** Fails what is under way and what comes later. */
  close(): Promise<void>
}

export interface RequestThreadOptions {
  /** For messages, for example `the planning thread`. */
  readonly name: string
  readonly start: () => Worker
  /** What one answer may take, the thread's start included; absent: without a limit. */
  readonly timeoutMs?: number
}

export type ThreadFailure = 'failed' | 'ended' | 'late' | 'closed'

export class ThreadFailed extends Error {
  readonly code: ThreadFailure

  constructor(code: ThreadFailure, message: string, options: { cause?: unknown } = {}) {
    super(message, options)
    this.name = 'ThreadFailed'
    this.code = code
  }
}

export function createRequestThread<Request, Answer>({
  name,
  start,
  timeoutMs,
}: RequestThreadOptions): RequestThread<Request, Answer> {
  let worker: Worker | undefined
  let last: Promise<unknown> = Promise.resolve()
  let unanswered = 0
  let closed = false
  const refused = () => new ThreadFailed('closed', `${name} is closed`)

  const running = (): Worker => {
    if (worker !== undefined) return worker
    const started = start()
    started.unref()
    // Between two requests nobody else listens.
    started.on('error', () => {})
    started.on('exit', () => {
      if (worker === started) worker = undefined
    })
    worker = started
    return started
  }
  const ask = async (request: Request): Promise<Answer> => {
    if (closed) throw refused()
    const thread = running()
    let settle = () => {}
    const answered = new Promise<Answer>((resolve, reject) => {
      const fail = (code: ThreadFailure, message: string, cause?: unknown) => {
        if (worker === thread) worker = undefined
        void thread.terminate()
        reject(closed ? refused() : new ThreadFailed(code, `${name} ${message}`, { cause }))
      }
      const broke = (error: unknown) =>
        fail('failed', `failed: ${error instanceof Error ? error.message : error}`, error)
      const ended = (status: number) => fail('ended', `ended with status ${status}`)
      const timer =
        timeoutMs === undefined
          ? undefined
          : setTimeout(() => fail('late', `gave no answer within ${timeoutMs / 1000} s`), timeoutMs)
      thread.on('message', resolve).on('messageerror', broke).on('error', broke).on('exit', ended)
      thread.ref()
      settle = () => {
        clearTimeout(timer)
        thread.off('message', resolve).off('messageerror', broke).off('error', broke).off('exit', ended)
        thread.unref()
      }
    })
    try {
      thread.postMessage(request)
      return await answered
    } finally {
      settle()
    }
  }
  return {
    async ask(request) {
      // Posted before this returns where nothing is under way: the caller may keep its own thread busy from then on.
      const answered = unanswered === 0 ? ask(request) : last.then(() => ask(request))
      last = answered.catch(() => {})
      unanswered++
      try {
        return await answered
      } finally {
        unanswered--
      }
    },
    start: () => void running(),
    async close() {
      closed = true
      await worker?.terminate()
    },
  }
}
