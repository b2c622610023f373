/**
 * Policies and the pooled model run in a thread of their own: the event loop has leases to renew and probes to answer while a large site is planned.
 *
 * Requests are answered in the order in which they came. A thread that dies, or takes longer than `timeoutMs`, fails the request that it
 * is at (the window goes on without that plan), and the next request starts another thread.
 */
import { Worker } from 'node:worker_threads'
import type { SiteProfilingQuestion } from '../../profiler/pooled/site-profiling.ts'
import {
  type Assignment,
  describe,
  type EstimateAnswer,
  type EstimateRequest,
  type PlanAnswer,
  type PlanRequest,
  type ProfilingAnswer,
} from './request.ts'

export interface PlanningThread {
  /** @throws PlanningFailed when the thread fails, takes too long or is closed. */
  solve(request: PlanRequest): Promise<PlanAnswer>
  /** What the pooled model predicts. @throws PlanningFailed as `solve`. */
  estimate(request: EstimateRequest): Promise<EstimateAnswer>
  /** What to micro-profile. @throws PlanningFailed as `solve`. */
  profiling(request: SiteProfilingQuestion): Promise<ProfilingAnswer>
  close(): Promise<void>
}

export interface PlanningThreadOptions {
  /** Default 20 s, well below what a reconcile may take. */
  readonly timeoutMs?: number
  /** Makes the thread; tests give others. */
  readonly start?: () => Worker
}

export class PlanningFailed extends Error {
  readonly code = 'PlanningFailed'
  readonly retryable = true

  constructor(message: string, options: { cause?: unknown } = {}) {
    super(message, options)
    this.name = 'PlanningFailed'
  }
}

const startWorker = (): Worker => new Worker(new URL('./worker.ts', import.meta.url))

/** The thread is started at once, so that the first plan need not wait for it, and never keeps the process alive. */
export function createPlanningThread({
  timeoutMs = 20_000,
  start = startWorker,
}: PlanningThreadOptions = {}): PlanningThread {
  let worker: Worker | undefined
  let queue: Promise<unknown> = Promise.resolve()
  let closed = false

  const running = (): Worker => {
    if (worker === undefined) {
      const started = start()
      started.unref()
      // Between two requests nobody else listens.
      started.on('error', () => {})
      started.on('exit', () => {
        if (worker === started) worker = undefined
      })
      worker = started
    }
    return worker
  }
  const ask = <Answer>(given: Assignment): Promise<Answer> => {
    if (closed) return Promise.reject(new PlanningFailed('the planning thread is closed'))
    const thread = running()
    return new Promise((resolve, reject) => {
      const settle = (act: () => void): void => {
        clearTimeout(timer)
        thread.off('message', answered).off('error', broke).off('exit', ended)
        act()
      }
      const answered = (said: Answer) => settle(() => resolve(said))
      const fail = (message: string, cause?: unknown) =>
        settle(() => {
          if (worker === thread) worker = undefined
          void thread.terminate()
          reject(new PlanningFailed(`${describe(given)}: ${message}`, { cause }))
        })
      const broke = (error: unknown) =>
        fail(`the planning thread failed: ${error instanceof Error ? error.message : error}`, error)
      const ended = (status: number) => fail(`the planning thread ended with status ${status}`)
      const timer = setTimeout(
        () =>
          fail(
            `no ${given.task} within ${timeoutMs / 1000} s${given.task === 'plan' ? '; horizon plans large sites fastest' : ''}`,
          ),
        timeoutMs,
      )
      thread.on('message', answered).on('error', broke).on('exit', ended)
      thread.postMessage(given)
    })
  }
  const inTurn = <Answer>(given: Assignment): Promise<Answer> => {
    const answered = queue.then(() => ask<Answer>(given))
    queue = answered.catch(() => {})
    return answered
  }
  running()
  return {
    solve: request => inTurn<PlanAnswer>({ task: 'plan', request }),
    estimate: request => inTurn<EstimateAnswer>({ task: 'estimate', request }),
    profiling: request => inTurn<ProfilingAnswer>({ task: 'profiling', request }),
    close: async () => {
      closed = true
      await worker?.terminate()
    },
  }
}
