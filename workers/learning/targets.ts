/**
 * The rows that the loss compares a batch with: one-hot, times the weight of the sample. Weights of classes sum to 1 in every batch. Weights of
 * images have a mean of 1 over all images that are trained on, so a batch of images that count little moves the weights little.
 */

/** Weight of each class: 1, or the inverse of its frequency with mean 1 over the samples. */
export function classWeights(labels: Int32Array, classes: number, balanced: boolean): Float32Array {
  const weights = new Float32Array(classes).fill(1)
  if (!balanced) return weights
  const counts = new Float32Array(classes)
  for (const label of labels) counts[label]!++
  const present = counts.filter(count => count > 0).length
  return weights.map((_, label) => (counts[label] === 0 ? 1 : labels.length / (present * counts[label]!)))
}

/** Weights of the images with a mean of 1. */
export function imageWeights(weights: Float32Array): Float32Array {
  const mean = weights.reduce((sum, weight) => sum + weight, 0) / weights.length
  return weights.map(weight => weight / mean)
}

/** @param images weight of each image of the batch; absent: 1 */
export function targetRows(labels: Int32Array, weights: Float32Array, images?: Float32Array): Float32Array {
  const classes = weights.length
  const rows = new Float32Array(labels.length * classes)
  const total = labels.reduce((sum, label) => sum + weights[label]!, 0)
  for (const [i, label] of labels.entries())
    rows[i * classes + label] = (weights[label]! * (images?.[i] ?? 1)) / total
  return rows
}
