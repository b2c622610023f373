/** `ekya operator`: flags and environment → configuration → operator/main.ts. */
import { type OperatorConfig, parseOperatorConfig, type RawFlags } from '../../config/config.ts'
import { ConfigError } from '../../config/errors.ts'
import { endAtOnce, endInOrder } from '../../process/end-signals.ts'
import { usageOf } from '../errors.ts'
import type { Io } from '../program.ts'

export async function operator(flags: RawFlags, unknown: readonly string[], io: Io): Promise<number> {
  const config = parse(flags, unknown, io.env)
  endAtOnce()
  const { runOperator } = await import('../../main.ts')
  return runOperator(config, endInOrder())
}

function parse(flags: RawFlags, unknown: readonly string[], environment: Io['env']): OperatorConfig {
  try {
    return parseOperatorConfig(flags, environment, unknown)
  } catch (error) {
    throw error instanceof ConfigError ? usageOf('operator', error) : error
  }
}
