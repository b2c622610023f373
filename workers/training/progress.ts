/**
 * How far a training is and what it will still cost, from the epochs that are done. Within an epoch it goes by the GPU-seconds spent,
 * because a pod with a small share takes many seconds for one.
 */
import type { EpochReport } from '../learning/training.ts'

export interface ProgressReport {
  readonly epoch: number
  readonly epochs: number
  /** In [0, 1]. */
  readonly progress: number
  readonly validationAccuracy: number | null
  /** [epochs done, validation accuracy after them], at most so many as `mostPoints`; the last one is among them. */
  readonly points: readonly (readonly [number, number])[]
  readonly remainingGpuSeconds: number | null
  readonly imagesPerSecond: number | null
}

/** No epoch counts as more than this before it is over. */
const mostOfAnEpoch = 0.95

const mostPoints = 20

export class TrainingProgress {
  readonly #epochs: number
  readonly #cores: number
  readonly #gpuSeconds: () => number
  readonly #now: () => number
  #reports: readonly EpochReport[] = []
  #epochBegunGpuSeconds: number
  #epochBegun: number
  #imagesPerSecond: number | null = null

  /** @param now monotonic seconds */
  constructor(options: {
    readonly epochs: number
    readonly cores: number
    readonly gpuSeconds: () => number
    readonly now: () => number
  }) {
    this.#epochs = options.epochs
    this.#cores = options.cores
    this.#gpuSeconds = options.gpuSeconds
    this.#now = options.now
    this.#epochBegunGpuSeconds = options.gpuSeconds()
    this.#epochBegun = options.now()
  }

  /** The data is there and the first step is about to be made, after `reports` of an earlier run. */
  begin(reports: readonly EpochReport[] = []): void {
    this.#reports = reports
    this.#mark()
  }

  epochDone(report: EpochReport, images: number): void {
    this.#reports = [...this.#reports, report]
    const seconds = this.#now() - this.#epochBegun
    this.#imagesPerSecond = seconds > 0 ? images / seconds : null
    this.#mark()
  }

  get report(): ProgressReport {
    const done = this.#reports.length
    const costs = this.#reports.map(({ cpuSeconds }) => cpuSeconds / this.#cores)
    const cost = done === 0 ? null : costs.reduce((a, b) => a + b) / done
    const spent = this.#gpuSeconds() - this.#epochBegunGpuSeconds
    const begun = cost === null || done === this.#epochs ? 0 : Math.min(mostOfAnEpoch, spent / cost)
    return {
      epoch: done,
      epochs: this.#epochs,
      progress: (done + begun) / this.#epochs,
      validationAccuracy: this.#reports.at(-1)?.validationAccuracy ?? null,
      points: spread(this.#reports).map(({ epoch, validationAccuracy }) => [epoch, validationAccuracy]),
      remainingGpuSeconds: cost === null ? null : Math.max(0, (this.#epochs - done - begun) * cost),
      imagesPerSecond: this.#imagesPerSecond,
    }
  }

  #mark(): void {
    this.#epochBegunGpuSeconds = this.#gpuSeconds()
    this.#epochBegun = this.#now()
  }
}

/** At most `mostPoints` of them, evenly, the last one included. */
function spread(reports: readonly EpochReport[]): readonly EpochReport[] {
  const every = Math.ceil(reports.length / mostPoints)
  return reports.filter((_, i) => (reports.length - 1 - i) % every === 0)
}
