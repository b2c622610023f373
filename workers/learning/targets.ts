/** The rows that the loss compares a batch with: one-hot, times the weight of the sample; all weights of a batch sum to 1. */

/** Weight of each class: 1, or the inverse of its frequency with mean 1 over the samples. */
export function classWeights(labels: Int32Array, classes: number, balanced: boolean): Float32Array {
  const weights = new Float32Array(classes).fill(1)
  if (!balanced) return weights
  const counts = new Float32Array(classes)
  for (const label of labels) counts[label]!++
  const present = counts.filter(count => count > 0).length
  return weights.map((_, label) => (counts[label] === 0 ? 1 : labels.length / (present * counts[label]!)))
}

export function targetRows(labels: Int32Array, weights: Float32Array): Float32Array {
  const classes = weights.length
  const rows = new Float32Array(labels.length * classes)
  const total = labels.reduce((sum, label) => sum + weights[label]!, 0)
  for (const [i, label] of labels.entries()) rows[i * classes + label] = weights[label]! / total
  return rows
}
