/**
 * Renders what the chart has from elsewhere: its CRD templates from crds/*.yaml, and its README from the comments of values.yaml.
 *
 * A comment that begins with `# --` before a key is the key's line in the README; every value needs one, on itself or on what it is in.
 */
import { parse } from 'yaml'

/** A CRD as a template that is there with `crds.enabled`, carries the chart's labels, and stays with `crds.keep`. */
export function renderCrdTemplate(crd: string, file: string): string {
  if (crd.includes('{{')) throw new Error(`${file}: a template would read {{ as its own`)
  const head = /^metadata:\n {2}name: \S+\n(?! )/m
  if (!head.test(crd))
    throw new Error(`${file}: metadata has more than a name, or none; the generator adds labels after it`)
  const body = crd.replace(
    head,
    found => `${found}  labels:
    {{- include "ekya.labels" . | nindent 4 }}
  {{- if .Values.crds.keep }}
  annotations:
    helm.sh/resource-policy: keep
  {{- end }}
`,
  )
  return `{{- /* Generated from crds/${file} by \`npm run generate\`; a test fails when it is not up to date. */ -}}
{{- if .Values.crds.enabled }}
${body.replace(/^(?:#.*\n)+/, '').trimEnd()}
{{- end }}
`
}

export interface ChartFacts {
  readonly description: string
  readonly appVersion: string
  readonly kubeVersion: string
}

export function renderChartReadme(facts: ChartFacts, valuesText: string): string {
  const values = parse(valuesText) as unknown
  const comments = readComments(valuesText)
  for (const path of leaves(values))
    if (!isDescribed(path, comments))
      throw new Error(`charts/ekya/values.yaml: ${path} has no comment that begins with # --`)
  const rows = [...comments].map(
    ([path, meaning]) =>
      `| \`${path}\` | ${cell(`\`${JSON.stringify(valueAt(values, path))}\``)} | ${cell(meaning)} |`,
  )
  return `<!-- Generated from values.yaml and Chart.yaml by \`npm run generate\`; a test fails when it is not up to date. -->
# ekya

${facts.description}

Version ${facts.appVersion}, for Kubernetes ${facts.kubeVersion.replace('-0', '')}.

\`\`\`
helm install ekya charts/ekya --namespace ekya-system --create-namespace
helm test ekya --namespace ekya-system
\`\`\`

Where and how: [docs/install.md](../../docs/install.md). Upgrading: [docs/upgrading.md](../../docs/upgrading.md). Alerts:
[docs/runbooks](../../docs/runbooks/README.md). \`values.schema.json\` refuses what is not in this table.

| value | default | meaning |
| --- | --- | --- |
${rows.join('\n')}
`
}

/** Comments by the dotted path of the key that they stand before, in order. */
export function readComments(text: string): ReadonlyMap<string, string> {
  const comments = new Map<string, string>()
  const path: { readonly indent: number; readonly key: string }[] = []
  let comment: string[] | undefined
  for (const line of text.split('\n')) {
    const [, begin] = /^\s*# -- (.*)$/.exec(line) ?? []
    const [, more] = /^\s*# (.*)$/.exec(line) ?? []
    const [, space, key] = /^(\s*)([A-Za-z][\w./-]*):/.exec(line) ?? []
    if (begin !== undefined) comment = [begin]
    else if (more !== undefined) comment?.push(more)
    else if (key !== undefined) {
      const indent = space!.length
      while (path.length > 0 && path.at(-1)!.indent >= indent) path.pop()
      path.push({ indent, key })
      if (comment !== undefined) comments.set(path.map(part => part.key).join('.'), comment.join(' '))
      comment = undefined
    } else comment = undefined
  }
  return comments
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Dotted paths of everything that is no object with keys. */
export function leaves(value: unknown, path = ''): readonly string[] {
  if (!isObject(value) || Object.keys(value).length === 0) return [path]
  return Object.entries(value).flatMap(([key, child]) => leaves(child, path === '' ? key : `${path}.${key}`))
}

const isDescribed = (path: string, comments: ReadonlyMap<string, string>): boolean =>
  [...comments.keys()].some(key => path === key || path.startsWith(`${key}.`))

const valueAt = (value: unknown, path: string): unknown =>
  path.split('.').reduce<unknown>((at, key) => (isObject(at) ? at[key] : undefined), value)

const cell = (text: string): string => text.replaceAll('|', '\\|')
