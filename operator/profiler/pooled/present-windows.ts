/** What is predicted of each stream's present window, its last record: the question that planning asks of the pooled model. */
import type { AccuracyDistribution } from './angle.ts'
import { fitOutcomes, type WindowRecord } from './outcome-model.ts'

/** @param streams windows of each in order, at least one. @returns for each stream one distribution for each training of its last window. */
export type PredictPresent = (
  streams: readonly (readonly WindowRecord[])[],
) => readonly (readonly AccuracyDistribution[])[]

/** It takes a second of a processor for some hundred streams with many windows. */
export const predictPresent: PredictPresent = streams => {
  const model = fitOutcomes(streams)
  return streams.map((windows, s) => model.predict(s, windows.length - 1))
}
