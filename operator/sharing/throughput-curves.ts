/**
 * How fast trainings run at a share of an NVIDIA GPU under MPS, by kind of GPU: [share, speed relative to the whole GPU].
 *
 * Measured by `hack/gpu/measure.sh` (docs/gpu.md), training ResNet-18 in batches of 64: of what was measured the curve that promises least,
 * since a training that comes too late is worth nothing. A curve that the node agent measured on the spot goes before these.
 *
 * A GPU of another kind gets no curve, which is speed = share. Speed is concave where the work does not fill the GPU, so the curve of a
 * large one would promise too much of a smaller one.
 */
import type { TrainingTraits } from './backend.ts'

type Curve = NonNullable<TrainingTraits['throughputCurve']>

/** 132 multiprocessors, driver 580.159.04. */
const h100: Curve = [
  [0.05, 0.14],
  [0.1, 0.19],
  [0.15, 0.29],
  [0.2, 0.34],
  [0.25, 0.38],
  [0.3, 0.52],
  [0.35, 0.56],
  [0.4, 0.58],
  [0.45, 0.67],
  [0.5, 0.72],
  [0.55, 0.78],
  [0.6, 0.8],
  [0.65, 0.82],
  [0.7, 0.85],
  [0.75, 0.86],
  [0.8, 0.87],
  [0.85, 0.93],
  [0.9, 0.94],
  [0.95, 0.97],
  [1, 1],
]

const kinds: readonly (readonly [RegExp, Curve])[] = [[/\bH100\b/, h100]]

/** @param model as `nvidia-smi` or feature discovery names it. */
export function throughputCurve(model: string | undefined): Curve | undefined {
  return kinds.find(([pattern]) => pattern.test(model ?? ''))?.[1]
}

/** Speed at a share, linear between the points, from [0, 0] on; without a curve the share itself. */
export function speedAt(share: number, curve: Curve = [[1, 1]]): number {
  let [x0, y0] = [0, 0]
  for (const [x1, y1] of curve) {
    if (share <= x1) return y0 + ((y1 - y0) * (share - x0)) / (x1 - x0)
    ;[x0, y0] = [x1, y1]
  }
  return y0
}

/** The same where a pod can hold no more than a part: more is given to it in vain. */
export function cappedTraits(traits: TrainingTraits, largestShare: number): TrainingTraits {
  const { throughputCurve = [[1, 1]] } = traits
  const speed = speedAt(largestShare, throughputCurve)
  return {
    ...traits,
    throughputCurve: [
      ...throughputCurve.filter(([share]) => share < largestShare),
      [largestShare, speed],
      [1, speed],
    ],
  }
}

/** How trainings fare on a GPU, by its own curve, else by that of its kind. */
export function trainingTraits(
  resizeSeconds: number,
  model: string | undefined,
  measured?: Curve,
): TrainingTraits {
  const curve = measured ?? throughputCurve(model)
  return { resizeSeconds, ...(curve === undefined ? {} : { throughputCurve: curve }) }
}
