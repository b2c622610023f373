/**
 * Durations as the resources write them ("200s", "3m20s", "1.5h"): numbers with the units ms, s, m and h, added up.
 * The same form as the CRD's rule on spec.duration; seconds everywhere else.
 */
const term = /([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)/g
const whole = /^(?:[0-9]+(?:\.[0-9]+)?(?:ms|s|m|h))+$/
const secondsPer: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3600 }

/** @throws RangeError with what is accepted. */
export function parseDuration(text: string): number {
  if (!whole.test(text)) {
    throw new RangeError(
      `duration ${JSON.stringify(text)}: accepted are numbers with units, such as 90s, 3m20s or 1h`,
    )
  }
  let seconds = 0
  for (const [, amount, unit] of text.matchAll(term)) seconds += Number(amount) * secondsPer[unit!]!
  return seconds
}

/** Shortest form in whole milliseconds: 200 → "3m20s", 0.5 → "500ms". */
export function formatDuration(seconds: number): string {
  let rest = Math.round(seconds * 1000)
  if (rest < 0 || !Number.isFinite(rest))
    throw new RangeError(`duration of ${seconds} seconds: accepted is a finite number ≥ 0`)
  let text = ''
  for (const [unit, milliseconds] of [
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1000],
    ['ms', 1],
  ] as const) {
    const amount = Math.floor(rest / milliseconds)
    rest -= amount * milliseconds
    if (amount > 0) text += `${amount}${unit}`
  }
  return text || '0s'
}
