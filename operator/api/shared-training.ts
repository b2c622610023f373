/**
 * Which retraining configurations one micro-profile tells of: those that differ only in what a micro-profile sets itself, epochs and part of
 * the data. Profile pods train once for each, and the operator reckons so.
 */

/** The same for configurations that share a micro-profile. @param configuration its knobs, in any one order for all. */
export function sharedTraining(configuration: {
  readonly name: string
  readonly epochs: number
  readonly dataFraction: number
}): string {
  const { name: _, epochs: __, dataFraction: ___, ...knobs } = configuration
  return JSON.stringify(Object.entries(knobs).sort(([a], [b]) => (a < b ? -1 : 1)))
}
