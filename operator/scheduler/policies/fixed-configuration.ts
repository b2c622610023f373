/** Fixed-configuration (Ekya-FixedConfig, Fig. 10a): the thief divides the GPUs, but there is one retraining configuration for all. */
import { definePolicy } from '../policy.ts'
import { middleConfiguration } from './fair.ts'
import { thief } from './thief.ts'

/** Options: `configuration`, the retraining configuration (default as of policy fair); `iterations` of the thief. */
export const fixedConfiguration = definePolicy({
  name: 'fixed-configuration',
  options: {
    configuration: { type: 'configuration' },
    iterations: { type: 'integer', minimum: 1, maximum: 100 },
  },
  plan: (problem, { configuration, ...thiefOptions }) => {
    const name = configuration ?? middleConfiguration(problem.streams)
    const streams = problem.streams.map(stream => ({
      ...stream,
      retraining: stream.retraining.filter(option => option.configuration === name),
    }))
    return { ...thief.plan({ ...problem, streams }, thiefOptions), policy: 'fixed-configuration' }
  },
})
