/** What ajv finds, as problems that a person can act on: where, what is wrong, and what is accepted. */
import type { ErrorObject } from 'ajv'
import { accepted } from './accepted.ts'
import type { Schema } from './schema.ts'

export interface SchemaProblem {
  /** For example `spec.retraining.configurations[1].name`; empty for the whole document. */
  readonly path: string
  /** What is wrong, and what is accepted. */
  readonly message: string
}

/** All of them, each once, in order of their paths. */
export function problemsOf(errors: readonly ErrorObject[]): readonly SchemaProblem[] {
  const problems = errors.map(problemOf)
  // What the schema refuses needs no rule's opinion on top of it.
  const bySchema = new Set(problems.filter((_, i) => errors[i]!.keyword !== 'rule').map(({ path }) => path))
  const telling = problems.filter(({ path }, i) => errors[i]!.keyword !== 'rule' || !bySchema.has(path))
  const unique = new Map(telling.map(problem => [`${problem.path}\n${problem.message}`, problem]))
  return [...unique.values()].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0))
}

function problemOf({
  instancePath,
  keyword,
  params,
  message,
  data,
  parentSchema,
}: ErrorObject): SchemaProblem {
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
      if (data === Number.POSITIVE_INFINITY || data === Number.NEGATIVE_INFINITY)
        return { path, message: `is a number too large to reckon with; ${expected}` }
      if (Number.isNaN(data)) return { path, message: `is not a number (.nan); ${expected}` }
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
export function shown(value: unknown): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value)
  return text.length > 60 ? `${text.slice(0, 57)}…` : text
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
