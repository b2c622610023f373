/**
 * Renders TypeScript types of the resources.
 *
 * `X` is what the API server returns: required fields and those with a default are there. `XInput` is what a person writes, for
 * the types in which it differs. Each object of the schema carries its type's name as `title`.
 */
import { acceptedWords, exactlyOne, type OpenApiSchema, type Resource } from './crds.ts'

type Mode = 'stored' | 'input'

export function renderTypes(resources: readonly Resource[]): string {
  const types = new Map<string, string>()
  for (const resource of resources) {
    for (const mode of ['stored', 'input'] as const) collect(resource.spec, mode, types)
    collect(resource.status, 'stored', types)
  }
  const blocks = resources.flatMap(resource => [kind(resource, 'stored'), kind(resource, 'input')])
  return [
    '// Generated from crds/*.yaml by `npm run generate`; a test fails when it is not up to date.',
    "import type { ManifestMeta, ObjectMeta } from '../metadata.ts'",
    '',
    ...blocks,
    ...types.values(),
  ].join('\n')
}

function kind(resource: Resource, mode: Mode): string {
  const suffix = mode === 'input' ? 'Input' : ''
  return [
    comment(mode === 'input' ? `A ${resource.kind} as a person writes it.` : resource.description, ''),
    `export interface ${resource.kind}${suffix} {`,
    `  readonly apiVersion: '${resource.group}/${resource.version}'`,
    `  readonly kind: '${resource.kind}'`,
    `  readonly metadata: ${mode === 'input' ? 'ManifestMeta' : 'ObjectMeta'}`,
    `  readonly spec: ${typeOf(resource.spec, mode)}`,
    ...(mode === 'input' ? [] : [`  readonly status?: ${typeOf(resource.status, mode)}`]),
    '}',
    '',
  ].join('\n')
}

/** Adds the declarations of this object and of those below it. */
function collect(schema: OpenApiSchema, mode: Mode, types: Map<string, string>): void {
  if (schema.properties) {
    const name = typeOf(schema, mode)
    const text = declaration(schema, name, mode)
    const existing = types.get(name)
    if (existing !== undefined && existing !== text)
      throw new Error(`two different schemas are titled ${name}`)
    types.set(name, text)
  }
  for (const child of children(schema)) collect(child, mode, types)
}

function children(schema: OpenApiSchema): readonly OpenApiSchema[] {
  return [...Object.values(schema.properties ?? {}), ...(schema.items ? [schema.items] : [])]
}

function declaration(schema: OpenApiSchema, name: string, mode: Mode): string {
  const lead = comment(schema.description, '')
  const choices = exactlyOne(schema)
  const properties = Object.entries(schema.properties ?? {})
  if (choices) {
    const alternatives = choices.map(choice => {
      const fields = properties.map(([key, value]) =>
        key === choice ? `readonly ${key}: ${typeOf(value, mode)}` : `readonly ${key}?: undefined`,
      )
      return `  | { ${fields.join('; ')} }`
    })
    return [lead, `export type ${name} =`, ...alternatives, ''].join('\n')
  }
  const fields = properties.flatMap(([key, value]) => [
    comment(value.description, '  '),
    `  readonly ${key}${isPresent(schema, key, mode) ? '' : '?'}: ${typeOf(value, mode)}`,
  ])
  return [lead, `export interface ${name} {`, ...fields, '}', ''].join('\n')
}

function isPresent(schema: OpenApiSchema, key: string, mode: Mode): boolean {
  if (schema.required?.includes(key)) return true
  return mode === 'stored' && schema.properties?.[key]?.default !== undefined
}

function typeOf(schema: OpenApiSchema, mode: Mode): string {
  if (schema['x-kubernetes-int-or-string']) {
    const words = acceptedWords(schema)
    return words ? `${literals(words)} | number` : 'string | number'
  }
  switch (schema.type) {
    case 'string':
      return schema.enum ? literals(schema.enum) : 'string'
    case 'integer':
    case 'number':
      return 'number'
    case 'boolean':
      return 'boolean'
    case 'array': {
      const item = typeOf(schema.items!, mode)
      return `readonly ${item.includes(' ') ? `(${item})` : item}[]`
    }
    case 'object':
      if (schema.properties) {
        if (!schema.title)
          throw new Error(`an object with the properties ${Object.keys(schema.properties)} needs a title`)
        return schema.title + (mode === 'input' && hasDefaults(schema) ? 'Input' : '')
      }
      return `Readonly<Record<string, ${schema.additionalProperties ? typeOf(schema.additionalProperties, mode) : 'unknown'}>>`
    default:
      throw new Error(`a schema without a type that is known: ${JSON.stringify(schema).slice(0, 120)}`)
  }
}

function hasDefaults(schema: OpenApiSchema): boolean {
  return children(schema).some(child => child.default !== undefined || hasDefaults(child))
}

function literals(words: readonly string[]): string {
  return words.map(word => `'${word}'`).join(' | ')
}

function comment(text: string | undefined, indent: string): string {
  return `${indent}/** ${(text ?? '').trim()} */`
}
