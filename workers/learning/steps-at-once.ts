/** How many steps a run may take: it blocks the thread, and whoever cancels a training or asks how it is waits for its end. */

const longestRunSeconds = 0.25
/** A run that goes well goes on with so many times as many steps at most. */
const mostGrowth = 8

/** A run that is over. */
export interface Timed {
  readonly steps: number
  readonly seconds: number
}

/** What fits into a moment, where a run takes some time for the weights and some for each step. @param before of another number of steps */
export function stepsFor({ steps, seconds }: Timed, before: Timed | undefined): number {
  const apart = before === undefined ? 0 : steps - before.steps
  const perStep = apart === 0 ? 0 : (seconds - before!.seconds) / apart
  const known = perStep > 0 && perStep * steps < seconds
  // As long as nobody knows what the steps take of it, twice as many are tried where they may fit.
  const more = seconds <= (3 / 4) * longestRunSeconds ? 2 : 1
  const fits = known
    ? (longestRunSeconds - seconds) / perStep + steps
    : Math.max((longestRunSeconds / seconds) * steps, more * steps)
  return Math.max(1, Math.min(Math.floor(fits), mostGrowth * steps))
}
