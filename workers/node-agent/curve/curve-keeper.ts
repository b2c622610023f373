/**
 * Decides when a curve is measured: once for each kind of GPU, on one that is ready and has no client, one at a time, beside everything else.
 *
 * Where somebody came in between it is tried again after `againMs`; what would fail again is not tried again while this agent lives.
 */
import type { Clock } from '../../../operator/kube/clock.ts'
import { AgentError } from '../errors.ts'
import type { KnownGpu, ThroughputCurve } from '../inventory.ts'
import type { CurveBook } from './curve-book.ts'

export interface CurveKeeperOptions {
  readonly book: CurveBook
  readonly clock: Clock
  /** @throws AgentError measurement-failed */
  measure(gpu: KnownGpu['gpu'], signal: AbortSignal): Promise<ThroughputCurve>
  onMeasured?(gpuModel: string, curve: ThroughputCurve): void
  onFailed?(gpuModel: string, error: unknown): void
}

const againMs = 10 * 60_000

export class CurveKeeper {
  readonly #options: CurveKeeperOptions
  readonly #ending = new AbortController()
  readonly #notBefore = new Map<string, number>()
  #work: Promise<void> | undefined

  constructor(options: CurveKeeperOptions) {
    this.#options = options
  }

  /** Begins a measurement where one is due, and does not wait for it. */
  consider(gpus: readonly KnownGpu[]): void {
    if (this.#work || this.#ending.signal.aborted) return
    const { book, clock } = this.#options
    const due = gpus.find(
      ({ gpu, unsuitable, daemon }) =>
        unsuitable === undefined &&
        daemon?.state === 'ready' &&
        daemon.clients.length === 0 &&
        book.curve(gpu.model) === undefined &&
        clock.monotonicMs() >= (this.#notBefore.get(gpu.model) ?? 0),
    )
    if (due) this.#work = this.#measure(due.gpu).finally(() => (this.#work = undefined))
  }

  /** Gives a measurement up. */
  async stop(): Promise<void> {
    this.#ending.abort(new DOMException('the agent ends', 'AbortError'))
    await this.#work
  }

  async #measure(gpu: KnownGpu['gpu']): Promise<void> {
    const { book, clock, measure, onMeasured, onFailed } = this.#options
    const { signal } = this.#ending
    try {
      await book.load(gpu.model)
      if (book.curve(gpu.model)) return
      const curve = await measure(gpu, signal)
      await book.keep(gpu.model, curve)
      onMeasured?.(gpu.model, curve)
    } catch (error) {
      if (signal.aborted) return
      const again = error instanceof AgentError && error.retryable
      this.#notBefore.set(gpu.model, again ? clock.monotonicMs() + againMs : Number.POSITIVE_INFINITY)
      onFailed?.(gpu.model, error)
    }
  }
}
