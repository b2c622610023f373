/**
 * Says in words what a schema accepts: the end of every validation message.
 */
import type { Schema } from './schema.ts'

const patterns: Readonly<Record<string, string>> = {
  '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$':
    "lower-case letters, digits and '-', beginning and ending with a letter or digit",
  '^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$':
    "lower-case letters, digits, '-' and '.', beginning and ending with a letter or digit",
  '^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$':
    "a label value: letters, digits, '-', '_' and '.', beginning and ending with a letter or digit, or empty",
  '^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$':
    'a label key, such as topology.kubernetes.io/zone',
  '^GPU-[-0-9A-Za-z]+$': 'a uuid as nvidia-smi gives it, GPU-…',
  '^/.*[^/]$': 'an absolute path other than /, without a slash at its end',
  '^[0-9]+(\\.[0-9]+)*$': 'numbers with dots between, such as 580.159.04',
}

/** The words for a pattern; undefined where there are none (a test keeps that from happening to a CRD). */
export function patternInWords(pattern: string): string | undefined {
  return patterns[pattern]
}

export function accepted(schema: Schema): string {
  const rule = schema['x-kubernetes-validations']?.find(({ message }) => message.startsWith('must be '))
  if (rule) return rule.message.slice('must be '.length)
  if (schema.enum) return list(schema.enum)
  if (Array.isArray(schema.type)) return 'an integer or a string'
  switch (schema.type) {
    case 'integer':
    case 'number':
      if (schema.minimum !== undefined && schema.minimum === schema.maximum) return String(schema.minimum)
      return `${schema.type === 'integer' ? 'an integer' : 'a number'}${range(schema)}`
    case 'boolean':
      return 'true or false'
    case 'string':
      return text(schema)
    case 'array':
      return `a list of ${count(schema.minItems, schema.maxItems, 'items')}${schema['x-kubernetes-list-type'] === 'set' ? ', each once' : ''}`
    case 'object':
      return object(schema)
    default:
      return 'any value'
  }
}

function range({ minimum, exclusiveMinimum, maximum }: Schema): string {
  if (minimum !== undefined && maximum !== undefined) return ` from ${minimum} to ${maximum}`
  const bounds = [
    ...(exclusiveMinimum === undefined ? [] : [`above ${exclusiveMinimum}`]),
    ...(minimum === undefined ? [] : [`at least ${minimum}`]),
    ...(maximum === undefined ? [] : [`at most ${maximum}`]),
  ]
  return bounds.length === 0 ? '' : ` ${bounds.join(' and ')}`
}

function text({ pattern, minLength, maxLength, format }: Schema): string {
  if (format === 'date-time') return 'a time such as 2026-01-31T12:00:00Z'
  const length = maxLength === undefined ? '' : ` of ${count(minLength, maxLength, 'characters')}`
  if (pattern === undefined) return `a string${length}`
  return `a string${length}: ${patternInWords(pattern) ?? `what matches ${pattern}`}`
}

function object({ properties, additionalProperties, maxProperties, required = [] }: Schema): string {
  if (properties) {
    const names = Object.keys(properties).map(name => (required.includes(name) ? `${name} (required)` : name))
    return `an object with ${names.join(', ')}`
  }
  const limit = maxProperties === undefined ? '' : ` of at most ${maxProperties} entries`
  return additionalProperties
    ? `a map${limit} whose values are each ${accepted(additionalProperties)}`
    : `an object${limit}`
}

function count(minimum: number | undefined, maximum: number | undefined, noun: string): string {
  if (minimum !== undefined && maximum !== undefined) return `${minimum} to ${maximum} ${noun}`
  return maximum === undefined ? `at least ${minimum ?? 0} ${noun}` : `at most ${maximum} ${noun}`
}

function list(words: readonly string[]): string {
  return words.join(', ')
}
