/**
 * Policies and the pooled model run in a thread of their own: the event loop has leases to renew and probes to answer while a large site is planned.
 *
 * A thread that dies, or takes longer than `timeoutMs`, fails the request that it is at: the window goes on without that plan.
 */
import { Worker } from 'node:worker_threads'
import { createRequestThread, ThreadFailed } from '../../process/request-thread.ts'
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

/** The thread is started at once, so that the first plan need not wait for it. */
export function createPlanningThread({
  timeoutMs = 20_000,
  start = startWorker,
}: PlanningThreadOptions = {}): PlanningThread {
  const thread = createRequestThread<Assignment, unknown>({ name: 'the planning thread', start, timeoutMs })
  const ask = async <Answer>(given: Assignment): Promise<Answer> => {
    try {
      return (await thread.ask(given)) as Answer
    } catch (cause) {
      if (!(cause instanceof ThreadFailed)) throw cause
      const hint = given.task === 'plan' ? '; horizon plans large sites fastest' : ''
      const what =
        cause.code === 'late' ? `no ${given.task} within ${timeoutMs / 1000} s${hint}` : cause.message
      throw new PlanningFailed(`${describe(given)}: ${what}`, { cause })
    }
  }
  thread.start()
  return {
    solve: request => ask<PlanAnswer>({ task: 'plan', request }),
    estimate: request => ask<EstimateAnswer>({ task: 'estimate', request }),
    profiling: request => ask<ProfilingAnswer>({ task: 'profiling', request }),
    close: () => thread.close(),
  }
}
