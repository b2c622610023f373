/**
 * Renders docs/api-reference.md.
 */
import { reasons } from '../../operator/api/conditions.ts'
import { acceptedWords, type OpenApiSchema, type Resource } from './crds.ts'

export function renderReference(resources: readonly Resource[]): string {
  const { group, version } = resources[0]!
  return [
    '<!-- Generated from crds/*.yaml by `npm run generate`; a test fails when it is not up to date. -->',
    '# API reference',
    '',
    `Group \`${group}\`, version \`${version}\`; all kinds are namespaced, and \`kubectl get ekya\` lists them together.`,
    'Fields that are marked *required* have no default. `ekya validate FILE…` checks manifests against all of this offline.',
    '',
    ...resources.map(({ kind }) => `- [${kind}](#${kind.toLowerCase()})`),
    '- [Reasons of conditions](#reasons-of-conditions)',
    '',
    ...resources.flatMap(resource),
    '## Reasons of conditions',
    '',
    '| reason | meaning |',
    '| --- | --- |',
    ...Object.entries(reasons).map(([reason, meaning]) => `| \`${reason}\` | ${cell(meaning)} |`),
    '',
  ].join('\n')
}

function resource({
  kind,
  plural,
  shortNames,
  description,
  columns,
  schema,
  spec,
  status,
}: Resource): string[] {
  const rules = schema['x-kubernetes-validations'] ?? []
  return [
    `## ${kind}`,
    '',
    `\`kubectl get ${plural}\` or \`${shortNames.join('`, `')}\`. ${description}`,
    '',
    ...(rules.length > 0
      ? [
          ...rules.map(
            ({ message, fieldPath = '' }) => `- ${`\`${fieldPath.slice(1)}\` ${message}`.trim()}.`,
          ),
          '',
        ]
      : []),
    `### ${kind} spec`,
    '',
    ...table(spec, 'spec', true),
    `### ${kind} status`,
    '',
    ...table(status, 'status', false),
    `### ${kind} columns`,
    '',
    '| column | shown | from | meaning |',
    '| --- | --- | --- | --- |',
    ...columns.map(
      ({ name, priority, jsonPath, description: meaning }) =>
        `| ${name.toUpperCase()} | ${priority ? '`-o wide`' : 'always'} | ${cell(`\`${jsonPath}\``)} | ${cell(meaning ?? 'Time since creation.')} |`,
    ),
    '',
  ]
}

function table(schema: OpenApiSchema, path: string, withDefaults: boolean): string[] {
  const rows = fields(schema, path)
  const head = withDefaults
    ? ['| field | type | default | meaning |', '| --- | --- | --- | --- |']
    : ['| field | type | meaning |', '| --- | --- | --- |']
  return [
    ...head,
    ...rows.map(({ path, schema, required }) => {
      const initial = withDefaults ? ` ${required ? '*required*' : defaultOf(schema)} |` : ''
      return `| \`${path}\` | ${cell(typeOf(schema))} |${initial} ${cell(meaning(schema))} |`
    }),
    '',
  ]
}

interface Field {
  readonly path: string
  readonly schema: OpenApiSchema
  readonly required: boolean
}

function fields(schema: OpenApiSchema, path: string): readonly Field[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, child]) => {
    const below = `${path}.${name}`
    const own: Field = { path: below, schema: child, required: schema.required?.includes(name) ?? false }
    return [own, ...fields(child, below), ...(child.items ? fields(child.items, `${below}[]`) : [])]
  })
}

function meaning(schema: OpenApiSchema): string {
  const rules = (schema['x-kubernetes-validations'] ?? []).map(({ message }) => `Rule: ${message}.`)
  const items = (schema.items?.['x-kubernetes-validations'] ?? []).map(({ message }) => `Rule: ${message}.`)
  return [schema.description ?? '', ...rules, ...items].join(' ')
}

function defaultOf(schema: OpenApiSchema): string {
  if (schema.default === undefined) return ''
  if (Array.isArray(schema.default) && schema.default.length > 0) return 'see meaning'
  return `\`${JSON.stringify(schema.default)}\``
}

function typeOf(schema: OpenApiSchema): string {
  if (schema['x-kubernetes-int-or-string']) {
    const words = acceptedWords(schema)
    return words ? `${words.map(word => `\`${word}\``).join(', ')} or integer` : 'integer or string'
  }
  if (schema.enum) return schema.enum.map(word => `\`${word}\``).join(', ')
  if (schema.format === 'date-time') return 'time'
  if (schema.type === 'array')
    return `list of ${schema.items?.properties ? 'objects' : `${typeOf(schema.items!)}s`}`
  if (schema.additionalProperties) return `map of ${typeOf(schema.additionalProperties)}s`
  const bounds = [
    schema.minimum === undefined ? undefined : `${schema.exclusiveMinimum ? '>' : '≥'} ${schema.minimum}`,
    schema.maximum === undefined ? undefined : `≤ ${schema.maximum}`,
  ].filter(bound => bound !== undefined)
  return [schema.type, ...bounds].join(' ')
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ')
}
