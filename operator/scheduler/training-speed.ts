/** How fast a training runs at a share. */

export type ThroughputCurve = readonly (readonly [number, number])[]

/**
 * Speed relative to one whole GPU. Without a curve speed = share, as in Ekya's simulator; real GPUs under MPS are concave
 * (a tenth of one ran at 36 % of full speed), which is what the curve is for. Above a whole GPU speed = share.
 */
export function trainingSpeed(share: number, curve?: ThroughputCurve): number {
  if (share <= 0) return 0
  if (curve === undefined || curve.length === 0 || share >= 1) return share
  let [x0, y0] = [0, 0]
  for (const [x1, y1] of curve) {
    if (share <= x1) return x1 > x0 ? y0 + ((y1 - y0) * (share - x0)) / (x1 - x0) : y1
    ;[x0, y0] = [x1, y1]
  }
  return y0
}

/** Seconds until work of so many GPU-seconds is done at a share; infinite without a share. */
export function completionSeconds(gpuSeconds: number, share: number, curve?: ThroughputCurve): number {
  const speed = trainingSpeed(share, curve)
  return speed > 0 ? Math.max(0, gpuSeconds) / speed : Number.POSITIVE_INFINITY
}
