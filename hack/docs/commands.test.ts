/** Commands, options, values of the chart, fields and manifests that the pages name are there, so that what is copied from a page works. */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { parse, parseAllDocuments } from 'yaml'
import { validateManifest } from '../../operator/api/validate.ts'
import { runEkya } from '../../operator/cli/testing/run-ekya.ts'
import { leaves } from '../generate/chart.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const pages = globSync(['README.md', 'docs/**/*.md', 'charts/*/README.md'], { cwd: root }).sort()

const fences = /^ *```(\w*)\n([\s\S]*?)^ *```$/gm
/** Lines of blocks, continued ones joined, and what stands between single backquotes. */
function codeOf(text: string): readonly string[] {
  const blocks = [...text.matchAll(fences)].flatMap(([, , body = '']) =>
    body
      .replaceAll(/\\\n\s*/g, ' ')
      .split('\n')
      .map(line => line.replace(/\s+#.*$/, '').trim()),
  )
  const spans = [...text.replaceAll(fences, '').matchAll(/`([^`\n]+)`/g)].map(([, code]) => code!)
  return [...blocks, ...spans].filter(line => line !== '')
}
const cases = pages.map(page => ({ page, code: codeOf(read(page)) }))

const helps = new Map<string, Promise<{ status: number; stdout: string }>>()
function helpOf(command: string): Promise<{ status: number; stdout: string }> {
  const known = helps.get(command) ?? runEkya([...command.split(' '), '--help'])
  helps.set(command, known)
  return known
}

/** What is wrong with a command line of ours; undefined: nothing, or it is none. */
async function problemOfEkya(line: string): Promise<string | undefined> {
  const [, rest] = /^(?:npx |kubectl )?ekya ((?:model build|[a-z][a-z-]*)\b.*)$/.exec(line) ?? []
  if (rest === undefined) return undefined
  const command = /^(?:model build|\S+)/.exec(rest)![0]
  const { status, stdout } = await helpOf(command)
  if (status !== 0) return `there is no command ${command}`
  const [unknown] = [...rest.matchAll(/(?<=[\s[(])--[a-z][a-z-]*/g)]
    .map(([flag]) => flag)
    .filter(flag => !new RegExp(`${flag}(?![a-z-])`).test(stdout))
  return unknown && `ekya ${command} has no ${unknown}`
}

const values = leaves(parse(read('charts/ekya/values.yaml')))
const isValue = (path: string): boolean =>
  values.some(known => known === path || known.startsWith(`${path}.`) || path.startsWith(`${known}.`))
/** Of other programs. */
const foreign = ['sharing.mps']
const valueRoots = new Set(values.map(path => path.split('.')[0]!))
const fields = new Set(
  [...read('docs/api-reference.md').matchAll(/^\| `((?:spec|status)\.[^`]+)`/gm)].map(([, path]) =>
    path!.replaceAll('[]', ''),
  ),
)

function problemOfOther(line: string): string | undefined {
  // With the machine's own Node, which may be too old to run TypeScript.
  if (/^(\w+=\S+ )*node (?!hack\/setup\.mjs)/.test(line))
    return 'npx node, or an npm script, runs it on the Node of the packages'
  for (const [, settings] of line.matchAll(/--set[= ](\S+)/g))
    for (const setting of settings!.split(/,(?=[a-zA-Z])/)) {
      const [path = ''] = setting.split('=')
      if (!isValue(path)) return `the chart has no value ${path}`
    }
  const [, script] = /^npm run ([\w:-]+)/.exec(line) ?? []
  if (script !== undefined && JSON.parse(read('package.json')).scripts[script] === undefined)
    return `there is no script ${script}`
  const [, benchmark] = /^npm run bench -- ([a-z][a-z-]*)/.exec(line) ?? []
  if (benchmark !== undefined && !existsSync(join(root, `hack/bench/${benchmark}.ts`)))
    return `there is no benchmark ${benchmark}`
  const [, file] =
    /(?:^|\s)(?:node )?((?:hack|docs|e2e|operator|workers|charts|crds)\/[\w./-]+)/.exec(line) ?? []
  if (file !== undefined && /^(npx )?node /.test(line) && !existsSync(join(root, file)))
    return `there is no file ${file}`
  const [path, first] = /^([a-zA-Z]+)\.[a-zA-Z][\w.]*(?=$|: |=)/.exec(line) ?? []
  if (path === undefined || foreign.includes(path)) return undefined
  // Pods, nodes and definitions have a spec as well; ours are told by their first field.
  if (first === 'spec' || first === 'status')
    return [...fields].some(field => field.split('.')[1] === path.split('.')[1]) && !fields.has(path)
      ? `the API has no field ${path}`
      : undefined
  if (valueRoots.has(first!) && !/\.(ts|md|yaml|tpl)$/.test(path) && !isValue(path))
    return `the chart has no value ${path}`
  return undefined
}

describe('commands in the docs', () => {
  it('are found', () => {
    const all = cases.flatMap(({ code }) => code)
    for (const [form, least] of [
      [/^(npx |kubectl )?ekya /, 40],
      [/--set /, 4],
      [/^npm run /, 10],
      [/^spec\./, 30],
      [/^(operator|metrics|storage)\.\w/, 10],
    ] as const)
      expect(all.filter(line => form.test(line)).length, String(form)).to.be.at.least(least)
  })

  for (const { page, code } of cases)
    it(`of ${page} are known`, async () => {
      const problems: string[] = []
      for (const line of code) {
        const problem = (await problemOfEkya(line)) ?? problemOfOther(line)
        if (problem !== undefined) problems.push(`${line}: ${problem}`)
      }
      expect(problems).to.deep.equal([])
    })
})

describe('manifests in the docs', () => {
  const blocks = pages.flatMap(page =>
    [...read(page).matchAll(fences)]
      .filter(([, language, body = '']) => language === 'yaml' && /^apiVersion: ekya\.dev/m.test(body))
      .map(([, , body = '']) => ({ page, body })),
  )
  const files = globSync('docs/**/*.yaml', { cwd: root }).map(page => ({ page, body: read(page) }))

  it('are found', () => expect(blocks).not.to.deep.equal([]))

  for (const { page, body } of [...blocks, ...files])
    it(`of ${page} are valid`, () => {
      const documents = parseAllDocuments(body).map(document => document.toJS() as unknown)
      expect(documents.flatMap(document => validateManifest(document))).to.deep.equal([])
    })
})
