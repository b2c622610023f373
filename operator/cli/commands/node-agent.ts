/** `ekya node-agent`: flags and environment → configuration → workers/node-agent/main.ts. */
import type { RawFlags } from '../../config/config.ts'
import { ConfigError } from '../../config/errors.ts'
import { type NodeAgentConfig, parseNodeAgentConfig } from '../../config/node-agent.ts'
import { endAtOnce, endInOrder } from '../../process/end-signals.ts'
import { usageOf } from '../errors.ts'
import type { Io } from '../program.ts'

export async function nodeAgent(flags: RawFlags, unknown: readonly string[], io: Io): Promise<number> {
  const config = parse(flags, unknown, io.env)
  endAtOnce()
  const { runNodeAgent } = await import('../../../workers/node-agent/main.ts')
  await runNodeAgent(config, endInOrder())
  return 0
}

function parse(flags: RawFlags, unknown: readonly string[], environment: Io['env']): NodeAgentConfig {
  try {
    return parseNodeAgentConfig(flags, environment, unknown)
  } catch (error) {
    throw error instanceof ConfigError ? usageOf('node-agent', error) : error
  }
}
