/**
 * Waits for a condition with a deadline: what tests use instead of sleeping.
 */
import { setTimeout as delay } from 'node:timers/promises'

export interface WaitOptions {
  readonly deadlineMs?: number
  readonly intervalMs?: number
  /** Named in the error when the deadline passes. */
  readonly describe?: string | (() => string)
}

/**
 * Resolves with the first result that is neither false, null nor undefined. A condition that throws counts as not met, and its last
 * error becomes the cause of the time-out.
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  { deadlineMs = 10_000, intervalMs = 25, describe = 'the condition' }: WaitOptions = {},
  signal?: AbortSignal,
): Promise<Exclude<T, false | null | undefined>> {
  const deadline = performance.now() + deadlineMs
  let cause: unknown
  for (;;) {
    signal?.throwIfAborted()
    try {
      const result = await condition()
      if (result !== false && result !== null && result !== undefined) {
        return result as Exclude<T, false | null | undefined>
      }
      cause = undefined
    } catch (error) {
      cause = error
    }
    if (performance.now() > deadline) {
      const what = typeof describe === 'function' ? describe() : describe
      const reason = cause instanceof Error ? `: ${cause.message}` : ''
      throw new Error(
        `Waited ${deadlineMs} ms in vain for ${what}${reason}`,
        cause === undefined ? undefined : { cause },
      )
    }
    await delay(intervalMs)
  }
}
