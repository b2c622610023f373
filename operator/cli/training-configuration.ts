/** The --config of `ekya train`: a JSON file, or JSON itself. */
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
