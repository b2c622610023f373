/** The --config of `ekya train` and `ekya profile`: a JSON file, or JSON itself. */
import { readFile } from 'node:fs/promises'
import { defaultConfiguration, strictConfigurationProblems } from '../../workers/learning/configuration.ts'
import type { TrainingConfiguration } from '../../workers/learning/training.ts'
import { readableReason } from './files.ts'
import type { OptionReader } from './option-reader.ts'

/** With defaults for what is left out; the reader is told of every problem. */
export async function readTrainingConfiguration(
  reader: OptionReader,
  given: string,
): Promise<TrainingConfiguration> {
  const configuration = parse(reader, given, await textOf(reader, given))
  for (const { message } of strictConfigurationProblems(configuration)) reader.refuse('--config', message)
  return { ...defaultConfiguration, ...configuration }
}

export interface NamedConfiguration extends TrainingConfiguration {
  readonly name: string
}

/** Several, each of which may bear a name; one without is named by its knobs. */
export async function readNamedConfigurations(
  reader: OptionReader,
  given: readonly string[],
): Promise<NamedConfiguration[]> {
  const named: NamedConfiguration[] = []
  for (const one of given) {
    const { name, ...rest } = parse(reader, one, await textOf(reader, one)) as { name?: unknown }
    for (const { message } of strictConfigurationProblems(rest)) reader.refuse('--config', message)
    const configuration = { ...defaultConfiguration, ...rest }
    if (name !== undefined && (typeof name !== 'string' || !/^[\w.-]{1,63}$/.test(name)))
      reader.refuse('--config', `name is ${JSON.stringify(name)}; accepted: 1 to 63 letters, digits, - _ .`)
    named.push({ ...configuration, name: typeof name === 'string' ? name : knobsName(configuration) })
  }
  const repeated = new Set(named.map(({ name }) => name).filter((name, i, all) => all.indexOf(name) < i))
  for (const name of repeated)
    reader.refuse(
      '--config',
      `two configurations are called ${name}; accepted: each name once, give them a name`,
    )
  return named
}

const knobsName = ({ trainableLayers, dataFraction, epochs }: TrainingConfiguration): string =>
  `${trainableLayers}-${Math.round(100 * dataFraction)}pct-${epochs}`

const isInline = (given: string): boolean => given.trimStart().startsWith('{')

async function textOf(reader: OptionReader, given: string): Promise<string> {
  if (isInline(given)) return given
  try {
    return await readFile(given, 'utf8')
  } catch (error) {
    reader.refuse(
      '--config',
      `cannot read ${given}: ${readableReason(error)}; accepted: a JSON file, or JSON itself`,
    )
    return '{}'
  }
}

function parse(reader: OptionReader, given: string, text: string): object {
  const origin = isInline(given) ? '' : `${given}: `
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    reader.refuse('--config', `${origin}is not JSON (${(error as Error).message})`)
    return {}
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  reader.refuse('--config', `${origin}is no JSON object; accepted: one with the keys of a configuration`)
  return {}
}
