/** What every student network is built from. */
import type { ImageShape } from '../build.ts'
import { ModelError } from '../errors.ts'

export interface NetworkOptions {
  readonly classes: number
  /** Of the weights: the same options give the same bytes. */
  readonly seed: number
  /** Default 3 × 32 × 32. */
  readonly shape?: ImageShape
  /** Factor of the published numbers of channels. Default 1. */
  readonly width?: number
}

export const defaultShape: ImageShape = { channels: 3, height: 32, width: 32 }
export const smallestSide = 32

/** @throws ModelError ModelInvalid for images that the published networks would shrink to nothing. */
export function refuseSmall(name: string, { height, width }: ImageShape): void {
  if (Math.min(height, width) < smallestSide)
    throw new ModelError(
      'ModelInvalid',
      `${name} takes no images of ${height}×${width}; accepted: ${smallestSide} or more in height and width`,
    )
}

/** A number of channels, scaled, and a multiple of `of`. */
export const scaledChannels = (channels: number, width: number, of: number): number =>
  Math.max(of, Math.round((channels * width) / of) * of)
