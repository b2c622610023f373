/** How answers are held against labels, wherever a model is judged. */

/** Images that are judged at once: more need memory and gain nothing. */
export const evaluationBatch = 64

/** Answers that are the label. */
export const matches = (found: Int32Array, labels: Int32Array): number =>
  found.reduce((sum, label, i) => sum + (label === labels[i] ? 1 : 0), 0)
