/**
 * Runs in parallel worker threads. Outcomes stand in the order of the runs, whatever the number of threads and whichever is done first.
 *
 * A thread that dies (memory, a crash) fails the run that it was at, and another takes its place.
 */
import { Worker } from 'node:worker_threads'
import { createRequestThread, ThreadFailed } from '../../process/request-thread.ts'
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
    const thread = createRequestThread<Run, RunResult>({
      name: 'the worker thread',
      start: () => start(trace),
    })
    while (left > 0) {
      const index = --left
      const run = runs[index]!
      outcomes[index] = await thread.ask(run).catch(errorOf)
      onDone(run, ++done)
    }
    await thread.close()
  }
  await Promise.all(Array.from({ length: Math.min(jobs, runs.length) }, lane))
  return outcomes
}

function errorOf(error: unknown): RunResult {
  if (!(error instanceof ThreadFailed)) throw error
  return { error: error.message }
}
