/**
 * Oracle-best-fixed: the uniform baseline with the one setting, inference weight and retraining configuration, that turns out best over
 * all windows, no retraining included. Nobody can know it beforehand, so a policy that beats it beats every uniform setting.
 */
import { definePolicy } from '../policy.ts'
import type { Problem } from '../problem.ts'
import { fair } from './fair.ts'
import { none } from './none.ts'

interface Setting {
  /** Absent: no retraining. */
  readonly configuration?: string
  readonly inferenceWeight?: number
}

/** Parts of the GPUs for inference that are tried. */
const weights = [0.1, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.9]

/** Options: `configuration` and `inferenceWeight`, to be told the setting; without them it is found. */
export const oracleBestFixed = definePolicy({
  name: 'oracle-best-fixed',
  poolOnly: true,
  options: {
    configuration: { type: 'configuration' },
    inferenceWeight: { type: 'number', minimum: 0, maximum: 1 },
  },
  plan: (problem, options) => {
    const setting = Object.keys(options).length === 0 ? bestSetting([problem]) : options
    return { ...planWith(problem, setting), policy: 'oracle-best-fixed' }
  },
  hindsight: (windows, options) => (Object.keys(options).length === 0 ? bestSetting(windows) : options),
})

const planWith = (problem: Problem, setting: Setting) =>
  setting.configuration === undefined ? none.plan(problem, {}) : fair.plan(problem, { ...setting })

function bestSetting(windows: readonly Problem[]): Setting {
  const configurations = new Set(
    windows.flatMap(({ streams }) => streams.flatMap(s => s.retraining.map(o => o.configuration))),
  )
  const settings: Setting[] = [
    { inferenceWeight: 1 },
    ...[...configurations].flatMap(configuration =>
      weights.map(inferenceWeight => ({ configuration, inferenceWeight })),
    ),
  ]
  const value = (setting: Setting): number =>
    windows.reduce((sum, problem) => sum + (planWith(problem, setting).predictedAccuracy ?? 0), 0)
  let [best, highest] = [settings[0]!, value(settings[0]!)]
  for (const setting of settings.slice(1)) {
    const own = value(setting)
    if (own > highest + 1e-12) [best, highest] = [setting, own]
  }
  return best
}
