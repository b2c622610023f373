/** The keys of a training configuration: what each accepts, and what holds where it is left out. */
import type { TrainingConfiguration } from './training.ts'

export interface ConfigurationProblem {
  readonly key: string
  /** What is wrong, and what is accepted. */
  readonly message: string
}

interface Rule {
  readonly accepts: (value: unknown) => boolean
  /** In words. */
  readonly accepted: string
}

const whole = (least: number, most: number): Rule => ({
  accepts: value => Number.isInteger(value) && (value as number) >= least && (value as number) <= most,
  accepted: `an integer from ${least} to ${most}`,
})
const number = (accepted: string, accepts: (value: number) => boolean): Rule => ({
  accepts: value => typeof value === 'number' && Number.isFinite(value) && accepts(value),
  accepted,
})
const oneOf = (...values: readonly unknown[]): Rule => ({
  accepts: value => values.includes(value),
  accepted: values.join(' or '),
})
const layers = whole(1, 10_000)

export const schedules = ['constant', 'step', 'cosine', 'one-cycle', 'plateau'] as const

const rules: Readonly<Record<keyof TrainingConfiguration, Rule>> = {
  epochs: whole(1, 100_000),
  batchSize: whole(1, 65_536),
  learningRate: number('a number above 0', value => value > 0),
  momentum: number('a number from 0 to below 1', value => value >= 0 && value < 1),
  weightDecay: number('a number from 0', value => value >= 0),
  schedule: oneOf(...schedules),
  trainableLayers: {
    accepts: value => value === 'all' || value === 'head' || layers.accepts(value),
    accepted: `all, head, or ${layers.accepted}`,
  },
  hiddenUnits: whole(1, 65_536),
  dataFraction: number('a number above 0 and at most 1', value => value > 0 && value <= 1),
  augment: oneOf(true, false),
  photometric: number('a number from 0 to 2', value => value >= 0 && value <= 2),
  classBalanced: oneOf(true, false),
  balancedSampling: oneOf(true, false),
  freezeBatchNorm: oneOf(true, false),
  earlyStop: whole(1, 100_000),
  seed: { accepts: Number.isSafeInteger, accepted: 'an integer' },
  threads: whole(1, 1024),
}

/** Used where a configuration leaves the key out. */
export const defaultConfiguration: TrainingConfiguration = {
  epochs: 15,
  batchSize: 32,
  learningRate: 0.02,
  trainableLayers: 'all',
  dataFraction: 1,
  seed: 0,
  threads: 1,
}

/** All that is not accepted, keys in the configuration's order. Keys that are left out are no problem. */
export function configurationProblems(configuration: object): ConfigurationProblem[] {
  return Object.entries(configuration).flatMap(([key, value]) => {
    const rule = Object.hasOwn(rules, key) ? rules[key as keyof TrainingConfiguration] : undefined
    if (rule === undefined || value === undefined || rule.accepts(value)) return []
    return [{ key, message: `${key} is ${JSON.stringify(value)}; accepted: ${rule.accepted}` }]
  })
}

/** As {@link configurationProblems}, keys that nobody knows included. */
export function strictConfigurationProblems(configuration: object): ConfigurationProblem[] {
  const unknown = Object.keys(configuration).filter(key => !Object.hasOwn(rules, key))
  return [
    ...unknown.map(key => ({
      key,
      message: `${JSON.stringify(key)} is no key; accepted: ${Object.keys(rules).join(', ')}`,
    })),
    ...configurationProblems(configuration),
  ]
}
