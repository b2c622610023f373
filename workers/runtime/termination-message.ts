/**
 * The result of a pod that runs to completion, left where the kubelet reads it.
 *
 * Kubernetes cuts a longer message off, which would leave broken JSON. So a result that is too long is made shorter step by step,
 * least important parts first, until it fits.
 */
import { writeFile } from 'node:fs/promises'
import {
  defaultTerminationLog,
  terminationLogVariable,
  terminationMessageLimitBytes,
} from '../../operator/api/worker.ts'

/** One way to make a result shorter; undefined: nothing left to take away. */
export type Shrink<Result> = (result: Result) => Result | undefined

/** Each step is repeated until it has nothing left to take, then the next one is tried. @throws RangeError if even the rest is too long. */
export function encodeResult<Result>(result: Result, shrinks: readonly Shrink<Result>[]): string {
  const fits = (value: Result): string | undefined => {
    const text = JSON.stringify(value, round)
    return Buffer.byteLength(text) <= terminationMessageLimitBytes ? text : undefined
  }
  let rest = result
  for (const shrink of [() => undefined, ...shrinks]) {
    for (let next: Result | undefined = rest; next !== undefined; next = shrink(rest)) {
      rest = next
      const text = fits(rest)
      if (text !== undefined) return text
    }
  }
  throw new RangeError(
    `a result of ${Buffer.byteLength(JSON.stringify(rest, round))} bytes cannot be made shorter`,
  )
}

/** Five significant digits after the point are more than any of these numbers is good for. */
function round(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isInteger(value) ? Math.round(value * 1e5) / 1e5 : value
}

export const terminationLog = (environment: NodeJS.ProcessEnv): string =>
  environment[terminationLogVariable] || defaultTerminationLog

export async function writeTerminationMessage(file: string, text: string): Promise<void> {
  await writeFile(file, text)
}
