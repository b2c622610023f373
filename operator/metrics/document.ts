/**
 * docs/metrics.md from the definitions: `npx node operator/metrics/document.ts > docs/metrics.md`.
 *
 * A unit test fails when the page has drifted.
 */
import { definitions, type MetricDefinition } from './definitions.ts'

const cell = (text: string): string => text.replaceAll('|', '\\|')

export function metricsPage(): string {
  const rows = Object.entries<MetricDefinition>(definitions).map(([name, { type, labels, help }]) => {
    const names = labels.map(label => `\`${label}\``).join(', ')
    return `| \`${name}\` | ${type} | ${names} | ${cell(help)} |`
  })
  return `# Metrics of the operator

Generated from \`operator/metrics/definitions.ts\` by \`npx node operator/metrics/document.ts > docs/metrics.md\`.

Served at \`/metrics\`, together with the \`process_*\` and \`nodejs_*\` metrics of prom-client. Base units; ratios are
in [0, 1] unless said otherwise. Series of a stream or a window go with the resource. Worker pods serve their own
\`/metrics\`; what matters of them is repeated here, so that scraping the operator suffices.

| Name | Type | Labels | Meaning |
| --- | --- | --- | --- |
${rows.join('\n')}
`
}

if (import.meta.main) process.stdout.write(metricsPage())
