/**
 * Mean of errors seen so far, as an estimate of the error to come: of the own ones, drawn towards that of all, which is drawn towards 0
 * (a James–Stein kind of mean with fixed weights).
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
  const sum = (some: readonly SeenError[]): number => some.reduce((total, { error }) => total + error, 0)
  const ofAll = sum(errors) / (errors.length + shrinkage.all)
  const own = errors.filter(each => each.own)
  return (sum(own) + shrinkage.own * ofAll) / (own.length + shrinkage.own)
}
