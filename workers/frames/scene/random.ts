/**
 * Random numbers by name instead of by order: the same seed and key give the same number, whatever was asked before. A scene
 * can then be rendered at any moment, in any order, by any process, and is always the same scene.
 */

/** Uniform in [0, 1). */
export function uniform(seed: number, ...key: readonly number[]): number {
  let hash = mix(seed ^ 0x9e3779b9)
  for (const part of key) hash = mix(hash ^ (part | 0))
  return hash / 4_294_967_296
}

export const between = (low: number, high: number, seed: number, ...key: readonly number[]): number =>
  low + (high - low) * uniform(seed, ...key)

/** One of the items. */
export const pick = <T>(items: readonly T[], seed: number, ...key: readonly number[]): T =>
  items[Math.floor(uniform(seed, ...key) * items.length)]!

/** lowbias32 (Wellons): every input bit changes every output bit about half of the time. */
function mix(value: number): number {
  let x = value | 0
  x ^= x >>> 16
  x = Math.imul(x, 0x7feb352d)
  x ^= x >>> 15
  x = Math.imul(x, 0x846ca68b)
  x ^= x >>> 16
  return x >>> 0
}
