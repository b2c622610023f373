/**
 * Checks a manifest offline by the rules of the API server: the schemas (unknown fields are refused, as `kubectl apply` does),
 * the keys of lists, and the CEL rules. All problems come at once, each with its path and with what is accepted.
 *
 * What the API server alone can know (whether the namespace exists, quotas, rights) is not checked. status is left out:
 * the API server ignores it too.
 */
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import { withDefaults } from './defaults.ts'
import { objectRules, specSchemas } from './generated/schemas.ts'
import { metadataSchema } from './metadata-schema.ts'
import { apiVersion, group } from './names.ts'
import { predicates } from './rules.ts'
import type { Rule, Schema } from './schema.ts'
import { isRecord, problemsOf, type SchemaProblem, shown } from './schema-problems.ts'

export type { SchemaProblem } from './schema-problems.ts'

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
export function validateManifest(document: unknown): readonly SchemaProblem[] {
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
