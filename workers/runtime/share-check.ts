/**
 * Whether the GPU gives this process the multiprocessors that its share is worth. Under MPS a share becomes a number of multiprocessors
 * when a CUDA client starts, and a client that missed its daemon runs on the whole GPU without a word.
 *
 * How many there are only CUDA knows: a program of the image says it, run with this process's environment.
 */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expectedMultiprocessorsVariable, multiprocessorCountVariable } from '../../operator/api/worker.ts'
import { WorkerFailure } from './failure.ts'

const defaultProgram = 'ekya-sm-count'
const timeoutMs = 15_000

/** Does nothing where no number is expected. @throws WorkerFailure ShareMismatch. */
export async function checkShare(environment: NodeJS.ProcessEnv, signal?: AbortSignal): Promise<void> {
  const expected = environment[expectedMultiprocessorsVariable]
  if (!expected) return
  const program = environment[multiprocessorCountVariable] || defaultProgram
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
  if (!isWithin(answer, expected))
    throw new WorkerFailure(
      'ShareMismatch',
      `${program} finds "${answer}" multiprocessors; the share is worth ${expected}`,
    )
}

/** `expected` is one number or a range, `6-8`: CUDA gives a small share of a large GPU more than it is worth. */
function isWithin(answer: string, expected: string): boolean {
  const [, least = '', most = least] = /^(\d+)(?:-(\d+))?$/.exec(expected) ?? []
  return (
    /^\d+$/.test(answer) && Number(answer) >= Number(least || Number.NaN) && Number(answer) <= Number(most)
  )
}
