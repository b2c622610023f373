/**
 * Reads crds/*.yaml, the single source of everything that is generated.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'

/** An OpenAPI v3 schema as CRDs have it (a structural schema). */
export interface OpenApiSchema {
  readonly type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean'
  readonly title?: string
  readonly description?: string
  readonly format?: string
  readonly default?: unknown
  readonly enum?: readonly string[]
  readonly pattern?: string
  readonly required?: readonly string[]
  readonly properties?: Readonly<Record<string, OpenApiSchema>>
  readonly additionalProperties?: OpenApiSchema
  readonly maxProperties?: number
  readonly items?: OpenApiSchema
  readonly minItems?: number
  readonly maxItems?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly minimum?: number
  readonly exclusiveMinimum?: boolean
  readonly maximum?: number
  readonly 'x-kubernetes-int-or-string'?: boolean
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean
  readonly 'x-kubernetes-list-type'?: 'atomic' | 'set' | 'map'
  readonly 'x-kubernetes-list-map-keys'?: readonly string[]
  readonly 'x-kubernetes-validations'?: readonly {
    readonly rule: string
    readonly message: string
    readonly fieldPath?: string
    readonly reason?: string
  }[]
}

export interface PrinterColumn {
  readonly name: string
  readonly type: string
  readonly description?: string
  readonly priority?: number
  readonly jsonPath: string
}

export interface Crd {
  readonly spec: {
    readonly group: string
    readonly names: {
      readonly kind: string
      readonly plural: string
      readonly shortNames: readonly string[]
      readonly categories: readonly string[]
    }
    readonly versions: readonly [
      {
        readonly name: string
        readonly additionalPrinterColumns: readonly PrinterColumn[]
        readonly schema: { readonly openAPIV3Schema: OpenApiSchema }
      },
    ]
  }
}

/** One resource, in its only version. */
export interface Resource {
  readonly kind: string
  readonly group: string
  readonly version: string
  readonly plural: string
  readonly shortNames: readonly string[]
  readonly description: string
  readonly columns: readonly PrinterColumn[]
  readonly schema: OpenApiSchema
  readonly spec: OpenApiSchema
  readonly status: OpenApiSchema
}

export function readResources(folder: string): readonly Resource[] {
  return readdirSync(folder)
    .filter(name => name.endsWith('.yaml'))
    .sort()
    .map(name => resource(parse(readFileSync(join(folder, name), 'utf8')) as Crd, name))
}

function resource({ spec }: Crd, file: string): Resource {
  const [version, ...others] = spec.versions
  if (others.length > 0)
    throw new Error(`${file}: the generator knows one version, there are ${others.length + 1}`)
  const schema = version.schema.openAPIV3Schema
  const { spec: wanted, status } = schema.properties ?? {}
  if (!wanted || !status) throw new Error(`${file}: the schema needs properties spec and status`)
  return {
    kind: spec.names.kind,
    group: spec.group,
    version: version.name,
    plural: spec.names.plural,
    shortNames: spec.names.shortNames,
    description: schema.description ?? '',
    columns: version.additionalPrinterColumns,
    schema,
    spec: wanted,
    status,
  }
}

const oneOfIdiom = /^\[has\(self\.\w+\)(?:, has\(self\.\w+\))*\]\.exists_one\((\w+), \1\)$/

/** Names of the properties of which a rule demands exactly one; undefined where there is no such rule. */
export function exactlyOne(schema: OpenApiSchema): readonly string[] | undefined {
  for (const { rule } of schema['x-kubernetes-validations'] ?? []) {
    if (oneOfIdiom.test(rule)) return [...rule.matchAll(/has\(self\.(\w+)\)/g)].map(([, name]) => name!)
  }
  return undefined
}

/** The strings that an int-or-string accepts, where a rule lists them. */
export function acceptedWords(schema: OpenApiSchema): readonly string[] | undefined {
  for (const { rule } of schema['x-kubernetes-validations'] ?? []) {
    const list = /self in \[([^\]]*)\]/.exec(rule)?.[1]
    if (list) return [...list.matchAll(/'([^']*)'/g)].map(([, word]) => word!)
  }
  return undefined
}
