/**
 * An AbortSignal that follows a caller's signal and also aborts when time is up.
 *
 * Unlike AbortSignal.any on a signal that lives as long as the process, `release` takes every listener and timer
 * back; call it in `finally`. `extend` starts the time anew, which makes a deadline on idleness. An infinite limit
 * never runs out.
 */
import type { Clock, Scheduled } from './clock.ts'

export interface Deadline {
  readonly signal: AbortSignal
  /** True when the time ran out, false when the caller aborted. */
  expired(): boolean
  extend(): void
  release(): void
}

/** Reason of a signal whose time ran out. */
export class DeadlineExceeded extends Error {
  override readonly name = 'DeadlineExceeded'
}

export function startDeadline(clock: Clock, limitMs: number, signal?: AbortSignal): Deadline {
  const controller = new AbortController()
  let expired = false
  let timer: Scheduled | undefined
  const onAbort = () => controller.abort(signal?.reason)
  const arm = () => {
    if (limitMs === Number.POSITIVE_INFINITY) return
    timer = clock.schedule(
      () => {
        expired = true
        controller.abort(new DeadlineExceeded(`no end within ${limitMs} ms`))
      },
      limitMs,
      { background: true },
    )
  }

  if (signal?.aborted) onAbort()
  else {
    signal?.addEventListener('abort', onAbort, { once: true })
    arm()
  }
  return {
    signal: controller.signal,
    expired: () => expired,
    extend() {
      if (controller.signal.aborted) return
      timer?.cancel()
      arm()
    },
    release() {
      timer?.cancel()
      signal?.removeEventListener('abort', onAbort)
    },
  }
}

/** A signal that aborts with the first of two. `release` takes the listeners back. */
export function followBoth(
  first: AbortSignal | undefined,
  second: AbortSignal,
): { readonly signal: AbortSignal; release(): void } {
  const controller = new AbortController()
  const onFirst = () => controller.abort(first?.reason)
  const onSecond = () => controller.abort(second.reason)
  if (first?.aborted) onFirst()
  else if (second.aborted) onSecond()
  else {
    first?.addEventListener('abort', onFirst, { once: true })
    second.addEventListener('abort', onSecond, { once: true })
  }
  return {
    signal: controller.signal,
    release() {
      first?.removeEventListener('abort', onFirst)
      second.removeEventListener('abort', onSecond)
    },
  }
}

/** The promise's outcome, or the signal's reason as soon as that aborts; the work behind the promise goes on. */
export function abortable<T>(promise: Promise<T>, signal?: AbortSignal): Promise<T> {
  if (!signal) return promise
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason)
    if (signal.aborted) return onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
