/** Options of a policy from the texts that a command is given. */
import { readFile } from 'node:fs/promises'
import type { PolicyOptions } from '../scheduler/plan.ts'
import type { Policy } from '../scheduler/policy.ts'
import { readableReason } from './files.ts'
import type { OptionReader } from './option-reader.ts'

/**
 * Texts as the policy's rules ask for them; what the rules do not know stays text, for the policy to refuse.
 *
 * @param where the option of the command that is at fault when a text cannot be read.
 * @param given each NAME=VALUE; files are read.
 * @param seed for a policy that draws.
 */
export async function readPolicyOptions(
  reader: OptionReader,
  where: string,
  policy: Policy,
  given: readonly string[],
  seed: number | undefined,
): Promise<PolicyOptions> {
  const options: Record<string, unknown> = {}
  if (seed !== undefined && Object.hasOwn(policy.options, 'seed')) options.seed = seed
  for (const text of given) {
    const [, name, value] = /^([^=]+)=(.*)$/s.exec(text) ?? []
    if (name === undefined || value === undefined) {
      reader.refuse(where, `${JSON.stringify(text)} is not accepted; accepted: NAME=VALUE`)
      continue
    }
    const type = Object.hasOwn(policy.options, name) ? policy.options[name]!.type : 'string'
    if (type === 'file') options[name] = await readJson(reader, where, value)
    else
      options[name] =
        (type === 'number' || type === 'integer') && value.trim() !== '' && !Number.isNaN(Number(value))
          ? Number(value)
          : value
  }
  return options
}

async function readJson(reader: OptionReader, where: string, file: string): Promise<unknown> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    reader.refuse(where, `cannot read ${file}: ${readableReason(error)}`)
    return undefined
  }
  try {
    return JSON.parse(text)
  } catch (error) {
    reader.refuse(
      where,
      `${file}: is not JSON (${(error as Error).message}); accepted: the whole file, without NaN`,
    )
    return undefined
  }
}
