/**
 * Renders the schemas as data for the offline validator: JSON Schema (draft 7) that refuses unknown fields as
 * `kubectl apply` does, with the lists' keys and the rules in place.
 */
import type { OpenApiSchema, Resource } from './crds.ts'

export function renderSchemas(resources: readonly Resource[]): string {
  const schemas = Object.fromEntries(resources.map(({ kind, spec }) => [kind, convert(spec)]))
  // Rules of the object itself, such as those on metadata.name.
  const rules = Object.fromEntries(
    resources.map(({ kind, schema }) => [kind, schema['x-kubernetes-validations'] ?? []]),
  )
  return [
    '// Generated from crds/*.yaml by `npm run generate`; a test fails when it is not up to date.',
    "import type { Rule, Schema } from '../schema.ts'",
    '',
    "/** The schema of each kind's spec. */",
    `export const specSchemas: Readonly<Record<string, Schema>> = ${JSON.stringify(schemas, null, 2)}`,
    '',
    "/** The rules on each kind's whole object. */",
    `export const objectRules: Readonly<Record<string, readonly Rule[]>> = ${JSON.stringify(rules, null, 2)}`,
    '',
  ].join('\n')
}

function convert(schema: OpenApiSchema): Record<string, unknown> {
  const {
    title: _title,
    description: _description,
    properties,
    additionalProperties,
    items,
    minimum,
    exclusiveMinimum,
    format,
    'x-kubernetes-int-or-string': intOrString,
    'x-kubernetes-preserve-unknown-fields': open,
    ...rest
  } = schema
  return {
    ...rest,
    ...(intOrString ? { type: ['integer', 'string'] } : {}),
    ...(format === 'date-time' ? { format } : {}),
    ...(minimum === undefined ? {} : exclusiveMinimum ? { exclusiveMinimum: minimum } : { minimum }),
    ...(properties ? { properties: mapValues(properties, convert) } : {}),
    ...(schema.type === 'object' && !open
      ? { additionalProperties: additionalProperties ? convert(additionalProperties) : false }
      : {}),
    ...(items ? { items: convert(items) } : {}),
  }
}

function mapValues<A, B>(record: Readonly<Record<string, A>>, f: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, f(value)]))
}
