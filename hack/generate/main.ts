/**
 * Generates what follows from crds/*.yaml and from the chart's values:  node hack/generate/main.ts [--check]
 *
 * With --check nothing is written: the status is 1 and the files are named when any is not up to date.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { type ChartFacts, renderChartReadme, renderCrdTemplate } from './chart.ts'
import { readResources } from './crds.ts'
import { renderReference } from './reference.ts'
import { renderSchemas } from './schemas.ts'
import { renderTypes } from './types.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

const chart = 'charts/ekya'

const text = (path: string): string => readFileSync(join(root, path), 'utf8')

const crdFiles = (): readonly string[] =>
  readdirSync(join(root, 'crds'))
    .filter(name => name.endsWith('.yaml'))
    .sort()

/** Content by path relative to the repository root. */
export function generate(): ReadonlyMap<string, string> {
  const resources = readResources(join(root, 'crds'))
  return new Map([
    ['operator/api/generated/types.ts', renderTypes(resources)],
    ['operator/api/generated/schemas.ts', renderSchemas(resources)],
    ['docs/api-reference.md', renderReference(resources)],
    ...crdFiles().map(
      file => [`${chart}/templates/crds/${file}`, renderCrdTemplate(text(`crds/${file}`), file)] as const,
    ),
    [
      `${chart}/README.md`,
      renderChartReadme(parse(text(`${chart}/Chart.yaml`)) as ChartFacts, text(`${chart}/values.yaml`)),
    ],
  ])
}

/** Paths whose content is not what would be generated. */
export function outdated(): readonly string[] {
  return [...generate()].filter(([path, content]) => read(path) !== content).map(([path]) => path)
}

function read(path: string): string | undefined {
  try {
    return readFileSync(join(root, path), 'utf8')
  } catch {
    return undefined
  }
}

function main(args: readonly string[]): number {
  if (args.some(argument => argument !== '--check')) {
    process.stderr.write('usage: node hack/generate/main.ts [--check]\n')
    return 2
  }
  const paths = outdated()
  if (args.includes('--check')) {
    for (const path of paths) process.stderr.write(`${path} is not up to date: run \`npm run generate\`\n`)
    return paths.length === 0 ? 0 : 1
  }
  const contents = generate()
  for (const path of paths) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), contents.get(path)!)
    process.stdout.write(`wrote ${path}\n`)
  }
  return 0
}

if (import.meta.main) process.exitCode = main(process.argv.slice(2))
