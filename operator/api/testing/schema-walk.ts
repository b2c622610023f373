/**
 * Variations of a manifest, one field at a time: values at, just inside and just outside the bounds of its schema, of other types,
 * null, missing, and fields nobody knows.
 */
import type { Schema } from '../schema.ts'

export interface Variation {
  /** For example `spec.frameRate = 61`. */
  readonly name: string
  readonly spec: unknown
}

type Path = readonly (string | number)[]

/** @param seen fields that were varied already, to which these are added: different manifests have most fields in common. */
export function* variations(spec: unknown, schema: Schema, seen: Set<string>): Generator<Variation> {
  for (const { path, schema: field, value } of fields(spec, schema, [])) {
    const key = path.map(step => (typeof step === 'number' ? '[]' : step)).join('.')
    if (seen.has(key)) continue
    seen.add(key)
    const where = `spec${path.map(step => (typeof step === 'number' ? `[${step}]` : `.${step}`)).join('')}`
    if (path.length > 0) yield { name: `${where} missing`, spec: replaced(spec, path, undefined) }
    for (const candidate of candidates(field, value)) {
      const text = JSON.stringify(candidate)
      yield {
        name: `${where} = ${text.length > 80 ? `${text.slice(0, 77)}…` : text}`,
        spec: replaced(spec, path, candidate),
      }
    }
  }
}

interface Field {
  readonly path: Path
  readonly schema: Schema
  readonly value: unknown
}

function* fields(value: unknown, schema: Schema, path: Path): Generator<Field> {
  yield { path, schema, value }
  if (Array.isArray(value)) {
    for (const [i, item] of value.entries()) yield* fields(item, schema.items ?? {}, [...path, i])
    return
  }
  for (const [name, child] of Object.entries(schema.properties ?? {})) {
    const below = (value as Readonly<Record<string, unknown>>)[name]
    if (below !== undefined) yield* fields(below, child, [...path, name])
  }
}

function candidates(schema: Schema, value: unknown): readonly unknown[] {
  const others = [null, true, 7, -3, 1.5, 'word', [], ['word'], {}, { word: 'word' }]
  return [
    ...others,
    ...numbers(schema),
    ...strings(schema),
    ...lists(schema, value),
    ...objects(schema, value),
  ]
}

function numbers({ minimum, exclusiveMinimum, maximum, type }: Schema): readonly number[] {
  if (type !== 'integer' && type !== 'number') return []
  const bounds = [minimum, exclusiveMinimum, maximum].filter(bound => bound !== undefined)
  const nearby = bounds.flatMap(bound => [
    bound,
    bound - 1,
    bound + 1,
    // For the API server a whole number is one to nine digits.
    ...(bound < 1e6 ? [bound - 0.5, bound + 0.5] : []),
  ])
  return [...nearby, 0.01, 0.5, 0.9, 0.95, 1]
}

const words = ['Word', 'a b', 'a.b', 'a/b', '-a', 'a-', 'é']
const uris = ['../a', 'a/..', 'a:b', '/a', 'file:///a', 'file://a', 'http://a']
const addresses = ['rtsp://a', 'rtsps://a/b', 'rtsp://', 'rtsp://u@a', 'rtsp://a/b@c']
const durations = ['9s', '9999ms', '10s', '1.5h', '24h', '24h1ms', '1h1', '10', '-10s', '10d']
const quantities = [
  '1',
  '0',
  '+1',
  '-1',
  '1.5Gi',
  '.5',
  '1e3',
  '1e',
  '1E',
  '1Ki',
  '1K',
  '100m',
  '0.0',
  '1 Gi',
]

function strings(schema: Schema): readonly string[] {
  const { type, minLength, maxLength, enum: choices } = schema
  if (choices) return choices
  if (type !== 'string' && !Array.isArray(type)) return []
  const lengths = [minLength ?? 0, maxLength ?? 0].flatMap(length => [length, length + 1])
  const rules = (schema['x-kubernetes-validations'] ?? []).map(({ rule }) => rule).join()
  return [
    ...lengths.map(length => 'a'.repeat(length)),
    ...words,
    ...(rules.includes('file:') ? uris : []),
    ...(rules.includes('rtsp') ? addresses : []),
    ...(rules.includes('duration') ? durations : []),
    ...(rules.includes('quantity') ? quantities : []),
  ]
}

function lists({ type, minItems = 0, maxItems = 0, items }: Schema, value: unknown): readonly unknown[] {
  if (type !== 'array' || !Array.isArray(value) || value.length === 0) return []
  const many = (count: number) =>
    Array.from({ length: count }, (_, i) =>
      items?.type === 'object'
        ? { ...value[0], ...('name' in value[0] ? { name: `n-${i}` } : {}) }
        : `item-${i}`,
    )
  return [...[minItems, maxItems, maxItems + 1].map(many), [...value, value[0]], [null], [[]]]
}

function objects(
  { type, properties, maxProperties, additionalProperties }: Schema,
  value: unknown,
): readonly unknown[] {
  if (type !== 'object') return []
  const before = value as object
  const entries = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`k-${i}`, 'v']))
  return [
    { ...before, nobodyKnows: 1 },
    ...(properties ? [] : [entries(maxProperties ?? 0), entries((maxProperties ?? 0) + 1)]),
    ...(additionalProperties
      ? ['a b', '', 'a/b/c', 'a.b/c', '/c', 'UP/c', `${'a'.repeat(70)}`].map(key => ({ [key]: 'v' }))
      : []),
    ...(additionalProperties ? ['a b', '-a', 'a_b.c', 'x'.repeat(64)].map(text => ({ key: text })) : []),
  ]
}

function replaced(target: unknown, [step, ...rest]: Path, value: unknown): unknown {
  if (step === undefined) return value
  if (Array.isArray(target)) {
    return value === undefined && rest.length === 0
      ? target.filter((_, i) => i !== step)
      : target.map((item, i) => (i === step ? replaced(item, rest, value) : item))
  }
  const record = target as Readonly<Record<string, unknown>>
  if (value === undefined && rest.length === 0) {
    return Object.fromEntries(Object.entries(record).filter(([name]) => name !== step))
  }
  return { ...record, [step]: replaced(record[step], rest, value) }
}
