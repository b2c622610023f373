/** JSON from outside checked against a schema: all problems at once, each with its path, what is there and what is accepted. */
import { Ajv, type ErrorObject } from 'ajv'
import {
  configVariable,
  type InferenceWorkerConfig,
  type ProfileWorkerConfig,
  type TrainingWorkerConfig,
  type WorkerErrorCode,
} from '../../operator/api/worker.ts'
import { configSchemas } from './config-schema.ts'
import { WorkerFailure } from './failure.ts'

export interface ConfigByRole {
  readonly inference: InferenceWorkerConfig
  readonly profile: ProfileWorkerConfig
  readonly training: TrainingWorkerConfig
}

/** RFC 3339 with seconds and zone, as Kubernetes writes it; the one format that is needed is cheaper than a package of them. */
const dateTime = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/

const ajv = new Ajv({ allErrors: true, allowUnionTypes: true, verbose: true })
ajv.addFormat('date-time', text => dateTime.test(text) && !Number.isNaN(Date.parse(text)))

/** @throws WorkerFailure ConfigInvalid */
export function parseConfig<Role extends keyof ConfigByRole>(
  role: Role,
  text: string | undefined,
): ConfigByRole[Role] {
  if (text === undefined || text.trim() === '')
    throw new WorkerFailure(
      'ConfigInvalid',
      `${configVariable} is not set; it holds the configuration of the ${role} worker as JSON`,
    )
  return parseJson(configSchemas[role], text, configVariable, 'ConfigInvalid')
}

/** @throws WorkerFailure with `code`. */
export function parseJson<T>(schema: object, text: string, what: string, code: WorkerErrorCode): T {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new WorkerFailure(code, `${what} is not JSON: ${(cause as Error).message}`, { cause })
  }
  const validate = ajv.compile(schema)
  if (validate(value)) return value as T
  throw new WorkerFailure(code, `${what}: ${[...new Set(validate.errors!.flatMap(explain))].join('; ')}`)
}

function explain({ keyword, instancePath, params, message, data, parentSchema }: ErrorObject): string[] {
  const path = instancePath === '' ? 'the document' : instancePath.slice(1).replaceAll('/', '.')
  const found = `found ${shorten(data)}`
  switch (keyword) {
    case 'enum':
      return [`${path} must be one of ${(params.allowedValues as unknown[]).join(', ')}, ${found}`]
    case 'const':
      return [`${path} must be ${params.allowedValue}, ${found}`]
    case 'additionalProperties':
      return [
        `${path}: unknown field ${params.additionalProperty}; accepted: ${Object.keys(parentSchema!.properties).join(', ')}`,
      ]
    case 'required':
      return [`${path}: ${params.missingProperty} is missing`]
    case 'minProperties':
    case 'maxProperties':
      return [
        `${path} must have exactly one of ${Object.keys(parentSchema!.properties).join(', ')}, ${found}`,
      ]
    case 'anyOf':
      return [`${path} must be one of the accepted kinds, ${found}`]
    default:
      return [`${path} ${message}, ${found}`]
  }
}

function shorten(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > 60 ? `${text.slice(0, 59)}…` : text
}
