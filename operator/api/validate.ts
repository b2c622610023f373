/**
 * Checks a manifest offline by the rules of the API server: the schemas (unknown fields are refused, as `kubectl apply` does),
 * the keys of lists, and the CEL rules. All problems come at once, each with its path and with what is accepted.
 *
 * What the API server alone can know (whether the namespace exists, quotas, rights) is not checked. status is left out:
 * the API server ignores it too.
 */
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import { accepted } from './accepted.ts'
import { withDefaults } from './defaults.ts'
import { objectRules, specSchemas } from './generated/schemas.ts'
import { metadataSchema } from './metadata-schema.ts'
import { apiVersion, group } from './names.ts'
import { predicates } from './rules.ts'
import type { Rule, Schema } from './schema.ts'

export interface Problem {
  /** For example `spec.retraining.configurations[1].name`; empty for the whole document. */
  readonly path: string
  /** What is wrong, and what is accepted. */
  readonly message: string
}

export const kinds: readonly string[] = Object.keys(specSchemas)

/** True for documents of our API group, known kind or not, and for our kinds under a mistaken group. */
export function isOurs(document: unknown): boolean {
  const { apiVersion: version, kind } = (document ?? {}) as Readonly<Record<string, unknown>>
  return (
    (typeof version === 'string' && version.startsWith(`${group}/`)) ||
    (typeof kind === 'string' && kinds.includes(kind))
  )
}

/** The problems of one manifest of our group; empty when the API server would take it. */
export function validateManifest(document: unknown): readonly Problem[] {
  if (!isRecord(document))
    return [{ path: '', message: `${shown(document)} is no manifest; accepted: a mapping` }]
  const { kind } = document
  const otherVersion =
    document.apiVersion === apiVersion
      ? []
      : [{ path: 'apiVersion', message: `${shown(document.apiVersion)} is unknown; accepted: ${apiVersion}` }]
  if (typeof kind !== 'string' || !kinds.includes(kind)) {
    return [
      ...otherVersion,
      { path: 'kind', message: `${shown(kind)} is unknown; accepted: ${kinds.join(', ')}` },
    ]
  }
  const schema = manifestSchema(kind)
  const { status: _ignored, ...manifest } = document
  const validate = validatorOf(kind, schema)
  if (validate(withDefaults({ ...manifest, apiVersion }, schema))) return otherVersion
  return [...otherVersion, ...problemsOf(validate.errors ?? [])]
}

/** `CameraStream default/cam-1`, as far as it is known. */
export function describeManifest(document: unknown): string {
  if (!isRecord(document)) return 'document'
  const { name, namespace } = isRecord(document.metadata) ? document.metadata : {}
  const kind = typeof document.kind === 'string' ? document.kind : 'document'
  if (typeof name !== 'string') return kind
  return typeof namespace === 'string' ? `${kind} ${namespace}/${name}` : `${kind} ${name}`
}

function manifestSchema(kind: string): Schema {
  return {
    type: 'object',
    required: ['apiVersion', 'kind', 'metadata', 'spec'],
    properties: {
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      metadata: metadataSchema,
      spec: specSchemas[kind]!,
    },
    additionalProperties: false,
    'x-kubernetes-validations': objectRules[kind] ?? [],
  }
}

const compiled = new Map<string, ValidateFunction>()

function validatorOf(kind: string, schema: Schema): ValidateFunction {
  const existing = compiled.get(kind)
  if (existing) return existing
  const ajv = new Ajv({
    allErrors: true,
    verbose: true,
    strict: true,
    strictRequired: false,
    allowUnionTypes: true,
  })
  ajv.addKeyword({ keyword: 'x-kubernetes-validations', validate: checkRules, errors: 'full' })
  ajv.addKeyword({ keyword: 'x-kubernetes-list-type', validate: checkKeys, errors: 'full' })
  ajv.addKeyword('x-kubernetes-list-map-keys')
  const validate = ajv.compile(schema)
  compiled.set(kind, validate)
  return validate
}

/** As ajv passes them: `errors` on the function itself tells what is wrong. */
interface KeywordFunction<S> {
  (schema: S, data: unknown, parent?: Schema): boolean
  errors?: Partial<ErrorObject>[]
}

const checkRules: KeywordFunction<readonly Rule[]> = (rules, data, parent) => {
  checkRules.errors = []
  // A value of another type is reported as such.
  if (parent?.type === 'object' && !isRecord(data)) return true
  checkRules.errors = rules
    .filter(({ rule }) => !holds(rule, data))
    .map(({ message, fieldPath }) => ({ keyword: 'rule', message, params: { fieldPath: fieldPath ?? '' } }))
  return checkRules.errors.length === 0
}

function holds(rule: string, data: unknown): boolean {
  const predicate = predicates[rule]
  if (!predicate) throw new Error(`no predicate for the rule ${rule}`)
  try {
    return predicate(data as never)
  } catch {
    // The value has another shape than the schema says, which is reported by the schema itself.
    return true
  }
}

/** Uniqueness in lists of type set (by value) and map (by key). */
const checkKeys: KeywordFunction<string> = (listType, data, parent) => {
  checkKeys.errors = []
  if (listType === 'atomic' || !Array.isArray(data)) return true
  const keys = parent?.['x-kubernetes-list-map-keys'] ?? []
  const seen = new Map<string, number>()
  for (const [index, item] of data.entries()) {
    const key = listType === 'set' ? item : keys.map(name => (isRecord(item) ? item[name] : undefined))
    const text = JSON.stringify(key)
    const first = seen.get(text)
    if (first === undefined) {
      seen.set(text, index)
      continue
    }
    const value = Array.isArray(key) ? shown(key[0]) : shown(key)
    checkKeys.errors.push({
      keyword: 'duplicate',
      message: `${value} is there already, as item ${first}; accepted: each ${listType === 'set' ? 'value' : keys.join(' and ')} once`,
      params: { fieldPath: `[${index}]${listType === 'set' ? '' : `.${keys[0]}`}` },
    })
  }
  return checkKeys.errors.length === 0
}

function problemsOf(errors: readonly ErrorObject[]): readonly Problem[] {
  const problems = errors.map(problemOf)
  // What the schema refuses needs no rule's opinion on top of it.
  const bySchema = new Set(problems.filter((_, i) => errors[i]!.keyword !== 'rule').map(({ path }) => path))
  const telling = problems.filter(({ path }, i) => errors[i]!.keyword !== 'rule' || !bySchema.has(path))
  const unique = new Map(telling.map(problem => [`${problem.path}\n${problem.message}`, problem]))
  return [...unique.values()].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0))
}

function problemOf({ instancePath, keyword, params, message, data, parentSchema }: ErrorObject): Problem {
  const path = fieldPath(instancePath)
  const schema = (parentSchema ?? {}) as Schema
  const expected = `accepted: ${accepted(schema)}`
  switch (keyword) {
    case 'rule': {
      const subject = typeof data === 'object' ? '' : `${shown(data)} `
      return { path: join(path, params.fieldPath), message: subject + (message ?? '') }
    }
    case 'duplicate':
      return { path: join(path, params.fieldPath), message: message ?? '' }
    case 'required': {
      const child = schema.properties?.[params.missingProperty]
      return {
        path: join(path, `.${params.missingProperty}`),
        message: `is missing; accepted: ${child ? accepted(child) : 'any value'}`,
      }
    }
    case 'additionalProperties': {
      const name: string = params.additionalProperty
      return {
        path: join(path, `.${name}`),
        message: `is no known field; accepted: ${Object.keys(schema.properties ?? {}).join(', ')}`,
      }
    }
    case 'type':
      return { path, message: `${shown(data)} is ${typeInWords(data)}; ${expected}` }
    case 'enum':
      return { path, message: `${shown(data)} is unknown; ${expected}` }
    case 'minItems':
    case 'maxItems':
      return { path, message: `has ${(data as readonly unknown[]).length} items; ${expected}` }
    case 'minLength':
      return { path, message: `${shown(data)} is too short; ${expected}` }
    case 'maxLength':
      return { path, message: `has ${[...(data as string)].length} characters; ${expected}` }
    case 'maxProperties':
      return { path, message: `has ${Object.keys(data as object).length} entries; ${expected}` }
    case 'maximum':
      return { path, message: `${shown(data)} is too large; ${expected}` }
    case 'minimum':
    case 'exclusiveMinimum':
      return { path, message: `${shown(data)} is too small; ${expected}` }
    default:
      return { path, message: `${shown(data)} is not accepted; ${expected}` }
  }
}

/** `/spec/inference/configurations/0` → `spec.inference.configurations[0]`. */
function fieldPath(pointer: string): string {
  return pointer
    .split('/')
    .slice(1)
    .map(part => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce((path, part) => join(path, segment(part)), '')
}

function segment(part: string): string {
  if (/^\d+$/.test(part)) return `[${part}]`
  return /^\w+$/.test(part) ? `.${part}` : `[${part}]`
}

function join(path: string, rest: string): string {
  return path === '' ? rest.replace(/^\./, '') : `${path}${rest}`
}

function typeInWords(value: unknown): string {
  if (value === null) return 'empty'
  if (Array.isArray(value)) return 'a list'
  switch (typeof value) {
    case 'object':
      return 'a mapping'
    case 'number':
      return Number.isInteger(value) ? 'an integer' : 'a number with a fraction'
    default:
      return `a ${typeof value}`
  }
}

/** A value as it may stand in a message: short. */
function shown(value: unknown): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value)
  return text.length > 60 ? `${text.slice(0, 57)}…` : text
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
