/** How a network is trained and judged, wherever its weights are meanwhile: weights-in-place.ts, weights-on-device.ts. */
import type { Rates, Weights } from './descent.ts'
import type { Feeds } from './feeds.ts'

export interface Steps {
  /** How many batches of so many images the next call should take, at least one. */
  atOnce(images: number): number
  /** One step for each of the rates, with as many images in each. */
  take(weights: Weights, feeds: Feeds, rates: readonly Rates[]): Promise<Taken>
  close(): Promise<void>
}

export interface Taken {
  /** Behind the last step. Those given are overwritten from now on. */
  readonly weights: Weights
  readonly losses: Float32Array
  /** Of all images. */
  readonly logits: Float32Array
}

export interface Evaluation {
  /** How many images a call should judge at most. */
  readonly atOnce: number
  /** @returns of all images, with the trained part as it is served */
  logits(
    weights: Pick<Weights, 'parameters' | 'statistics'>,
    feeds: Feeds,
    images: number,
  ): Promise<Float32Array>
  close(): Promise<void>
}
