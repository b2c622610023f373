/**
 * How well accuracies after retraining are predicted: each window of a stream from all windows of the other streams and the stream's own
 * earlier ones. Beside the pooled model stand the micro-profile alone, as in Ekya, and the mean of a configuration over the other streams.
 */
import { fitOutcomes, type TrainingRecord, type WindowRecord } from './outcome-model.ts'

export interface PredictionFigures {
  /** In points of accuracy; null where nothing could be predicted. */
  readonly medianAbsoluteErrorPoints: number | null
  readonly meanAbsoluteErrorPoints: number | null
  /** Rank correlation over the configurations of a window, mean over windows; null where no window has ranks to compare. */
  readonly meanSpearman: number | null
  /** Best outcome of a window less that of the configuration with the highest prediction, mean over windows. */
  readonly regretPoints: number | null
  /** Share of outcomes inside the 90 % interval; null where there is none. */
  readonly intervalCoverage: number | null
}

export interface EstimatorReport {
  readonly pooled: PredictionFigures
  readonly microProfile: PredictionFigures
  readonly otherStreams: PredictionFigures
}

interface Prediction {
  readonly mean: number
  readonly low?: number
  readonly high?: number
  readonly actual: number
}

/** @param streams windows of each stream in order, with outcomes; what has none is not scored. */
export function reportEstimates(streams: readonly (readonly WindowRecord[])[]): EstimatorReport {
  const windows = streams.flatMap((of, s) => of.map((window, w) => ({ window, s, w })))
  const others = streams.map((_, s) => outcomeMeans(streams.filter((_, i) => i !== s).flat()))
  const scored =
    (predict: (training: TrainingRecord, i: number) => Omit<Prediction, 'actual'> | undefined) =>
    (window: WindowRecord): Prediction[] =>
      window.trainings.flatMap((training, i) => {
        const prediction = training.outcome === undefined ? undefined : predict(training, i)
        return prediction === undefined ? [] : [{ ...prediction, actual: training.outcome! }]
      })
  const pointed = (mean: number | undefined) => (mean === undefined ? undefined : { mean })
  return {
    pooled: figures(
      windows.map(({ window, s, w }) => {
        const known = streams.map((of, i) => (i === s ? [...of.slice(0, w), withoutOutcomes(window)] : of))
        const predictions = fitOutcomes(known).predict(s, w)
        return scored((_, i) => predictions[i])(window)
      }),
    ),
    microProfile: figures(windows.map(({ window }) => scored(t => pointed(t.estimate))(window))),
    otherStreams: figures(
      windows.map(({ window, s }) => scored(t => pointed(others[s]!.get(t.configuration)))(window)),
    ),
  }
}

const withoutOutcomes = ({ trainings, ...window }: WindowRecord): WindowRecord => ({
  ...window,
  trainings: trainings.map(({ outcome: _, ...training }) => training),
})

function outcomeMeans(windows: readonly WindowRecord[]): Map<string, number> {
  const known = windows.flatMap(({ trainings }) => trainings.filter(t => t.outcome !== undefined))
  return new Map(
    [...Map.groupBy(known, t => t.configuration)].map(([name, some]) => [
      name,
      mean(some.map(t => t.outcome!))!,
    ]),
  )
}

function figures(windows: readonly (readonly Prediction[])[]): PredictionFigures {
  const all = windows.flat()
  const errors = all.map(p => Math.abs(p.mean - p.actual) * 100).sort((a, b) => a - b)
  const middle = errors.length / 2
  const intervals = all.filter(p => p.low !== undefined && p.high !== undefined)
  return {
    medianAbsoluteErrorPoints: mean(errors.slice(Math.ceil(middle) - 1, Math.floor(middle) + 1)),
    meanAbsoluteErrorPoints: mean(errors),
    meanSpearman: mean(windows.flatMap(window => spearman(window) ?? [])),
    regretPoints: mean(windows.filter(window => window.length > 0).map(regret)),
    intervalCoverage: mean(intervals.map(p => (p.actual >= p.low! && p.actual <= p.high! ? 1 : 0))),
  }
}

function regret(window: readonly Prediction[]): number {
  const chosen = window.reduce((best, p) => (p.mean > best.mean ? p : best))
  return (Math.max(...window.map(p => p.actual)) - chosen.actual) * 100
}

/** Correlation of ranks, ties sharing their mean rank; 0 where all predictions are alike, undefined where all outcomes are. */
function spearman(window: readonly Prediction[]): number | undefined {
  const [a, b] = [ranks(window.map(p => p.mean)), ranks(window.map(p => p.actual))]
  const middle = (window.length - 1) / 2
  let [product, squareA, squareB] = [0, 0, 0]
  for (const [i, x] of a.entries()) {
    product += (x - middle) * (b[i]! - middle)
    squareA += (x - middle) ** 2
    squareB += (b[i]! - middle) ** 2
  }
  if (squareB === 0) return undefined
  return squareA === 0 ? 0 : product / Math.sqrt(squareA * squareB)
}

function ranks(values: readonly number[]): number[] {
  const sorted = values.toSorted((a, b) => a - b)
  return values.map(value => (sorted.indexOf(value) + sorted.lastIndexOf(value)) / 2)
}

const mean = (values: readonly number[]): number | null =>
  values.length === 0 ? null : values.reduce((a, b) => a + b, 0) / values.length
