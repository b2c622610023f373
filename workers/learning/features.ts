/**
 * What the trained part of a student reads, for every image of a set.
 *
 * With everything trained that is the image itself, altered and scaled anew for each batch. Above frozen layers it is their output, which
 * never changes: it is computed once per image (and once more for the flipped image when training augments) and kept while it fits.
 */
import { floats, type Session, type Tensor } from '../models/session.ts'
import { type Alteration, unaltered } from './alterations.ts'
import { filledUp } from './feeds.ts'
import type { ImageSet } from './image-set.ts'
import { render } from './preparation/render.ts'
import { inPlace, type Preparation } from './preparation/thread.ts'
import type { Strengths } from './strengths.ts'
import type { TrainingGraphs } from './training-graph.ts'

export interface Features {
  /**
   * Computes what is kept for these images, so that its cost does not fall into the first steps.
   *
   * @param between called now and then; what it throws ends the work
   */
  prepare(indexes: ArrayLike<number>, augment: boolean, between?: () => Promise<void>): Promise<void>
  /** Feeds of one batch. */
  batch(indexes: ArrayLike<number>, alterations?: readonly Alteration[]): Promise<Record<string, Tensor>>
}

const flipped: Alteration = { ...unaltered, flip: true }
const chunk = 64
const cacheLimitBytes = 256 * 2 ** 20

type Vectors = Record<string, Float32Array>

export interface FeatureOptions extends Partial<Pick<Strengths, 'anySize'>> {
  /** Renders what trainings read. Default: where the caller is. */
  readonly preparation?: Preparation
  /** Frozen features beyond this are computed again for every batch. Default 256 MiB. */
  readonly mostKeptBytes?: number
}

export function features(
  set: ImageSet,
  graphs: TrainingGraphs,
  input: string,
  frozen: Session | null,
  { preparation = inPlace, anySize = true, mostKeptBytes = cacheLimitBytes }: FeatureOptions = {},
): Features {
  const shape = [set.shape.channels, set.shape.height, set.shape.width]
  const sizes = graphs.boundary.map(({ name, dims }) => ({
    name,
    dims,
    size: dims.reduce((a, b) => a * b, 1),
  }))
  const bytes = sizes.reduce((sum, each) => sum + each.size, 0) * set.count * 4
  const kept = { plain: store(), flipped: store() }

  const frozenOutputs = async (
    indexes: ArrayLike<number>,
    alterations?: readonly Alteration[],
  ): Promise<Vectors> => {
    const count = indexes.length
    if (!anySize && count > chunk) {
      const whole: Vectors = Object.fromEntries(
        sizes.map(each => [each.name, new Float32Array(count * each.size)]),
      )
      for (let from = 0; from < count; from += chunk) {
        const to = Math.min(count, from + chunk)
        const some = Int32Array.from({ length: to - from }, (_, i) => indexes[from + i]!)
        const part = await frozenOutputs(some, alterations?.slice(from, to))
        for (const { name, size } of sizes) whole[name]!.set(part[name]!, from * size)
      }
      return whole
    }
    const image = render({ pixels: set.pixels, shape: set.shape, indexes, alterations })
    const feeds = { [input]: floats(image, [count, ...shape]) }
    const results = await frozen!.run(anySize ? feeds : filledUp(feeds, chunk))
    const named = Object.entries(results).map(([name, { data, dims }]) => [
      name,
      (data as Float32Array).subarray(0, (data.length / dims[0]!) * count),
    ])
    return { ...Object.fromEntries(named), [input]: image }
  }
  function store(): Store {
    if (frozen === null || bytes > mostKeptBytes) return { vectors: {}, have: new Uint8Array(0) }
    const vectors = Object.fromEntries(
      sizes.map(each => [each.name, new Float32Array(set.count * each.size)]),
    )
    return { vectors, have: new Uint8Array(set.count) }
  }
  const fill = async (
    { vectors, have }: Store,
    indexes: readonly number[],
    alteration: Alteration,
    between?: () => Promise<void>,
  ): Promise<void> => {
    const missing = indexes.filter(index => have[index] === 0)
    for (let from = 0; from < missing.length; from += chunk) {
      await between?.()
      const part = missing.slice(from, from + chunk)
      const computed = await frozenOutputs(
        part,
        part.map(() => alteration),
      )
      for (const [i, index] of part.entries()) {
        for (const { name, size: each } of sizes)
          vectors[name]!.set(computed[name]!.subarray(i * each, (i + 1) * each), index * each)
        have[index] = 1
      }
    }
  }
  const feeds = (vectors: Vectors, count: number): Record<string, Tensor> =>
    Object.fromEntries(sizes.map(({ name, dims }) => [name, floats(vectors[name]!, [count, ...dims])]))

  return {
    async prepare(indexes, augment, between) {
      if (frozen === null || bytes > mostKeptBytes) return
      await fill(kept.plain, Array.from(indexes), unaltered, between)
      if (augment) await fill(kept.flipped, Array.from(indexes), flipped, between)
    },
    async batch(indexes, alterations) {
      const count = indexes.length
      if (frozen === null) {
        // Altered images are what trainings read; they are prepared beside the step before.
        const { pixels, shape } = set
        const by = alterations === undefined ? inPlace : preparation
        return feeds({ [input]: await by.render({ pixels, shape, indexes, alterations }) }, count)
      }
      const flips = Array.from(indexes, (_, i) => alterations?.[i]?.flip ?? false)
      if (bytes > mostKeptBytes) {
        const altered = flips.map(flip => (flip ? flipped : unaltered))
        return feeds(await frozenOutputs(indexes, altered), count)
      }
      const wanted = (flip: boolean): number[] => Array.from(indexes).filter((_, i) => flips[i] === flip)
      await fill(kept.plain, wanted(false), unaltered)
      await fill(kept.flipped, wanted(true), flipped)
      const gathered: Vectors = {}
      for (const { name, size: each } of sizes) {
        const into = new Float32Array(count * each)
        for (let i = 0; i < count; i++) {
          const from = (flips[i] ? kept.flipped : kept.plain).vectors[name]!
          into.set(from.subarray(indexes[i]! * each, (indexes[i]! + 1) * each), i * each)
        }
        gathered[name] = into
      }
      return feeds(gathered, count)
    },
  }
}

/** Frozen outputs of the images computed so far. */
interface Store {
  readonly vectors: Vectors
  readonly have: Uint8Array
}
