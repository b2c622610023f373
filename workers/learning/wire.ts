/** Names of what goes into training graphs and out of them besides boundary, weights and logits. */
export const wire = {
  targets: 'ekya.targets',
  loss: 'ekya.loss',
  /** Loss gradient of a parameter: its values in their order, in whatever shape. */
  gradient: (parameter: string): string => `ekya.gradient/${parameter}`,
  /** Of the batch, what a running statistic follows. */
  batch: (statistic: string): string => `ekya.batch/${statistic}`,
  /** Of many steps or batches, one behind the other. */
  many: (tensor: string): string => `ekya.many/${tensor}`,
  /** A part of packed weights. */
  part: (vector: 'parameters' | 'velocity' | 'statistics', kind: string): string => `ekya.${vector}/${kind}`,
  /** The same when all steps are done. */
  after: (part: string): string => `${part}/after`,
  rate: 'ekya.rate',
  keep: 'ekya.keep',
  momentum: 'ekya.momentum',
  decay: 'ekya.decay',
} as const
