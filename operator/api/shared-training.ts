/**
 * Which retraining configurations one micro-profile tells of: those that differ only in what a micro-profile sets itself, epochs and part of
 * the data. Profile pods train once for each, and the operator reckons so.
 */

interface OwnKnobs {
  readonly name: string
  readonly epochs: number
  readonly dataFraction: number
}

/** All knobs but those that a micro-profile sets itself. */
export function sharedKnobs<Configuration extends OwnKnobs>(
  configuration: Configuration,
): Omit<Configuration, keyof OwnKnobs> {
  const { name: _, epochs: __, dataFraction: ___, ...knobs } = configuration
  return knobs
}

/** The same for configurations that share a micro-profile. @param configuration its knobs, in any one order for all. */
export function sharedTraining(configuration: OwnKnobs): string {
  return JSON.stringify(Object.entries(sharedKnobs(configuration)).sort(([a], [b]) => (a < b ? -1 : 1)))
}
