/**
 * Whether the GPU gives this process the multiprocessors that its share is worth. Under MPS a share becomes a number of multiprocessors
 * when a CUDA client starts, and a client that missed its daemon runs on the whole GPU without a word.
 *
 * How many there are only CUDA knows: a program says it that the image brings and names, run with this process's environment. Without one
 * nothing is checked.
 */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expectedMultiprocessorsVariable, multiprocessorCountVariable } from '../../operator/api/worker.ts'
import { WorkerFailure } from './failure.ts'

const timeoutMs = 15_000

/** Does nothing where no number is expected, or no program can tell it. @throws WorkerFailure ShareMismatch. */
export async function checkShare(environment: NodeJS.ProcessEnv, signal?: AbortSignal): Promise<void> {
  const expected = environment[expectedMultiprocessorsVariable]
  const program = environment[multiprocessorCountVariable]
  if (!expected || !program) return
  let answer: string
  try {
    const { stdout } = await promisify(execFile)(program, [], {
      env: environment,
      timeout: timeoutMs,
      ...(signal === undefined ? {} : { signal }),
    })
    answer = stdout.trim()
  } catch (cause) {
    signal?.throwIfAborted()
    throw new WorkerFailure(
      'ShareMismatch',
      `${expectedMultiprocessorsVariable} is ${expected}, but ${program} does not tell how many there are: ${(cause as Error).message.split('\n')[0]}`,
      { cause },
    )
  }
  const [least, most = least] = expected.split('-').map(Number) as [number, number?]
  const count = /^\d+$/.test(answer) ? Number(answer) : Number.NaN
  if (!(count >= least && count <= most!))
    throw new WorkerFailure(
      'ShareMismatch',
      `${program} finds "${answer}" multiprocessors; the share is worth ${expected}`,
    )
}
