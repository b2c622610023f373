/**
 * Mean of errors seen so far, as an estimate of the error to come: drawn towards 0, and where some tell more than others, of those, drawn
 * towards that of all (a James–Stein kind of mean with fixed weights).
 */

export interface SeenError {
  /** Of what is estimated now (a stream, a configuration), and not of another one. */
  readonly own: boolean
  readonly error: number
}

export interface Shrinkage {
  /** How many errors count as much as the assumption that there is none on average. */
  readonly all: number
  /** How many own ones count as much as the mean of all. */
  readonly own: number
}

export function shrunkenMean(errors: readonly SeenError[], shrinkage: Shrinkage): number {
  const own = errors.filter(each => each.own).map(({ error }) => error)
  const ofAll = meanTowardsZero(
    errors.map(({ error }) => error),
    shrinkage.all,
  )
  return (sum(own) + shrinkage.own * ofAll) / (own.length + shrinkage.own)
}

/** @param assumed how many errors count as much as the assumption that there is none on average. */
export const meanTowardsZero = (errors: readonly number[], assumed: number): number =>
  sum(errors) / (errors.length + assumed)

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
