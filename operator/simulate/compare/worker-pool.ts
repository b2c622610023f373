/**
 * Runs in parallel worker threads. Outcomes stand in the order of the runs, whatever the number of threads and whichever is done first.
 *
 * A thread that dies (memory, a crash) fails the run that it was at, and another takes its place.
 */
import { Worker } from 'node:worker_threads'
import type { Trace } from '../trace.ts'
import type { Run, RunResult } from './run.ts'

export interface PoolOptions {
  /** Threads, ≥ 1. */
  readonly jobs: number
  /** Called after each run. @param done runs so far. */
  readonly onDone?: (run: Run, done: number) => void
  /** Makes a thread; tests give others. */
  readonly start?: (trace: Trace) => Worker
}

const startWorker = (trace: Trace): Worker =>
  new Worker(new URL('./worker.ts', import.meta.url), { workerData: trace })

export async function runAll(
  trace: Trace,
  runs: readonly Run[],
  { jobs, onDone = () => {}, start = startWorker }: PoolOptions,
): Promise<RunResult[]> {
  const outcomes: RunResult[] = []
  // From the end: grids put their largest cells there, and the longest run must not come last.
  let left = runs.length
  let done = 0
  const lane = async (): Promise<void> => {
    let worker: Worker | undefined
    while (left > 0) {
      const index = --left
      const run = runs[index]!
      worker ??= start(trace)
      const { outcome, alive } = await carriedOut(worker, run)
      if (!alive) worker = undefined
      outcomes[index] = outcome
      onDone(run, ++done)
    }
    await worker?.terminate()
  }
  await Promise.all(Array.from({ length: Math.min(jobs, runs.length) }, lane))
  return outcomes
}

function carriedOut(
  worker: Worker,
  run: Run,
): Promise<{ readonly outcome: RunResult; readonly alive: boolean }> {
  return new Promise(resolve => {
    const settle = (outcome: RunResult, alive: boolean) => {
      worker.off('message', answered).off('error', broke).off('exit', ended)
      resolve({ outcome, alive })
    }
    const answered = (outcome: RunResult) => settle(outcome, true)
    const broke = (error: unknown) =>
      settle({ error: `the worker thread failed: ${error instanceof Error ? error.message : error}` }, false)
    const ended = (status: number) =>
      settle({ error: `the worker thread ended with status ${status}` }, false)
    worker.on('message', answered).on('error', broke).on('exit', ended)
    worker.postMessage(run)
  })
}
