/** What the chart renders to, as objects: `helm template` with values. */
import { cp, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseAllDocuments } from 'yaml'
import type { KubernetesObject } from '../control-plane/api-client.ts'
import { run } from '../control-plane/build.ts'
import { ensureHelm } from './helm.ts'

export const chartFolder = fileURLToPath(new URL('../../charts/ekya/', import.meta.url))

export type Values = Readonly<Record<string, unknown>>

export interface RenderOptions {
  /** Of the release; default ekya-system. */
  readonly namespace?: string
  /** Default ekya. */
  readonly release?: string
  readonly kubeVersion?: string
  /** Paths of templates, relative to the chart. */
  readonly only?: readonly string[]
}

export interface Rendered extends KubernetesObject {
  readonly apiVersion: string
  readonly kind: string
}

/** @throws Error with what helm says: values that the schema refuses, a template that fails. */
export async function render(values: Values = {}, options: RenderOptions = {}): Promise<readonly Rendered[]> {
  return documents(
    await withValues(values, file => helm(['template', ...release(options), '--values', file])),
  )
}

/** Text of NOTES.txt. Helm renders it only into a cluster, so a copy of the chart renders it as part of an object. */
export async function notes(values: Values = {}): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'ekya-chart-'))
  try {
    await cp(chartFolder, folder, { recursive: true })
    await rename(join(folder, 'templates/NOTES.txt'), join(folder, 'files/NOTES.txt'))
    await writeFile(
      join(folder, 'templates/notes.yaml'),
      'kind: Notes\nmetadata: { name: notes }\ntext: {{ tpl (.Files.Get "files/NOTES.txt") . | quote }}\n',
    )
    const args = ['template', ...release({ only: ['templates/notes.yaml'] }, folder)]
    const [object] = documents(await withValues(values, file => helm([...args, '--values', file])))
    return (object as Rendered & { readonly text: string }).text
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

export async function lint(values: Values = {}): Promise<string> {
  return withValues(values, file => helm(['lint', '--strict', chartFolder, '--values', file]))
}

/** @param home where helm may keep its caches; default: it needs none. */
export const helm = async (args: readonly string[], home?: string): Promise<string> =>
  run(await ensureHelm(), args, home === undefined ? {} : { env: { ...process.env, HOME: home } })

function release(
  { namespace = 'ekya-system', release = 'ekya', kubeVersion, only = [] }: RenderOptions,
  chart = chartFolder,
): string[] {
  return [
    release,
    chart,
    '--namespace',
    namespace,
    ...(kubeVersion === undefined ? [] : ['--kube-version', kubeVersion]),
    ...only.flatMap(path => ['--show-only', path]),
  ]
}

function documents(text: string): readonly Rendered[] {
  return parseAllDocuments(text).flatMap(document => {
    const [error] = document.errors
    if (error) throw error
    const value = document.toJS() as Rendered | null
    return value === null ? [] : [value]
  })
}

export async function withValues<T>(values: Values, use: (file: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'ekya-chart-'))
  try {
    const file = join(folder, 'values.json')
    await writeFile(file, JSON.stringify(values))
    return await use(file)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
