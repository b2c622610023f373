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
