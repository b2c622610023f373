/**
 * Growing waits between attempts, spread at random so that many clients do not come back at the same moment.
 */
export interface BackoffOptions {
  readonly initialMs: number
  readonly maximumMs: number
  /** Growth per failure (default 2). */
  readonly factor?: number
  /** Each wait is multiplied by a number drawn from [1 − jitter, 1 + jitter) (default 0.5). */
  readonly jitter?: number
}

/** Wait before attempt `failures` + 1, in milliseconds. `random` draws from [0, 1). */
export function backoffMs(failures: number, options: BackoffOptions, random: () => number): number {
  const { initialMs, maximumMs, factor = 2, jitter = 0.5 } = options
  // The exponent is bounded because factor ** 1024 would be Infinity, and Infinity × 0 is NaN.
  const base = Math.min(initialMs * factor ** Math.min(Math.max(failures - 1, 0), 64), maximumMs)
  return base * (1 - jitter + 2 * jitter * random())
}
