/**
 * `ekya report`: what a bug report needs in one .tar.gz: resources, pods, events, logs, versions; no Secret is read, and what looks like
 * one is taken out. What cannot be had is named in problems.txt and stops nothing.
 */
import { createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { pack } from 'tar-stream'
import { stringify } from 'yaml'
import { apiVersion, group, managedByLabel, managedByValue } from '../../api/names.ts'
import { cameraStreams, retrainingWindows } from '../../cluster/resources.ts'
import { packageVersion } from '../../config/version.ts'
import type { KubeObject } from '../../kube/objects.ts'
import {
  customResourceDefinitions,
  events,
  leases,
  nodes,
  objectPath,
  pods,
  type Resource,
} from '../../kube/resources.ts'
import type { Io } from '../program.ts'
import type { Access } from './access.ts'
import { redact, redactText } from './redact.ts'

const logLines = 5000
const mostWorkers = 60
const mostAgents = 20

interface LoggedPod extends KubeObject {
  readonly spec?: { readonly containers?: readonly { readonly name: string }[] }
  readonly status?: {
    readonly containerStatuses?: readonly { readonly name: string; readonly restartCount?: number }[]
  }
}

/** Pods of the chart: whatever their release, and also while nobody holds the Lease. */
const componentSelector = (component: string): string =>
  `app.kubernetes.io/name=ekya,app.kubernetes.io/component=${component}`

/** Ours alone: the GPU inventory stands in one, and others may say anything. */
const ownAnnotations = (annotations: Readonly<Record<string, string>> = {}): Record<string, string> =>
  Object.fromEntries(Object.entries(annotations).filter(([name]) => name.startsWith(`${group}/`)))

export async function report(
  { transport, namespace }: Access,
  file: string,
  now: Date,
  io: Io,
): Promise<number> {
  const contents = new Map<string, string>()
  const problems: string[] = []
  const attempt = async <T>(what: string, ask: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await ask()
    } catch (error) {
      problems.push(redactText(`${what}: ${(error as Error).message}`))
      return undefined
    }
  }
  const gather = async (
    name: string,
    resource: Resource,
    options: object,
  ): Promise<readonly KubeObject[]> => {
    const found = await attempt(name, () => transport.list<KubeObject>(resource, options))
    const items = found?.items ?? []
    contents.set(`${name}.yaml`, stringify(redact(items)))
    return items
  }
  contents.set(
    'versions.yaml',
    stringify({
      ekya: packageVersion,
      api: apiVersion,
      node: process.version,
      platform: `${process.platform}-${process.arch}`,
      namespace,
      madeAt: now.toISOString(),
      kubernetes: JSON.parse((await attempt('version', () => transport.raw('/version'))) ?? 'null'),
    }),
  )
  await gather('camerastreams', cameraStreams, { namespace })
  await gather('retrainingwindows', retrainingWindows, { namespace })
  await gather('events', events, { namespace })
  const workers = await gather('worker-pods', pods, {
    namespace,
    labelSelector: `${managedByLabel}=${managedByValue}`,
  })
  const found = await gather('leases', leases, { fieldSelector: 'metadata.name=ekya-operator' })
  await attempt('nodes', async () => {
    const { items } = await transport.list<KubeObject & { spec?: object; status?: Record<string, unknown> }>(
      nodes,
    )
    const brief = items.map(({ metadata: { name, labels, annotations }, spec, status = {} }) => ({
      name,
      labels,
      annotations: ownAnnotations(annotations),
      spec,
      ...Object.fromEntries(
        ['capacity', 'allocatable', 'conditions', 'nodeInfo'].map(each => [each, status[each]]),
      ),
    }))
    contents.set('nodes.yaml', stringify(redact(brief)))
  })
  for (const { plural } of [cameraStreams, retrainingWindows])
    await attempt(`definition of ${plural}`, async () => {
      const name = `${plural}.ekya.dev`
      const crd = await transport.get<KubeObject>(customResourceDefinitions, { name })
      contents.set(`crds/${plural}.yaml`, stringify(redact(crd)))
    })

  const log = async (folder: string, pod: LoggedPod): Promise<void> => {
    for (const { name } of pod.spec?.containers ?? []) {
      const path = `${objectPath(pods, pod.metadata, 'log')}?container=${encodeURIComponent(name)}&tailLines=${logLines}`
      const restarts = pod.status?.containerStatuses?.find(each => each.name === name)?.restartCount ?? 0
      // Why it ended is in the log of the container before.
      for (const [query, end] of [['', ''], ...(restarts > 0 ? [['&previous=true', '.previous']] : [])]) {
        const what = `log of ${pod.metadata.name}/${name}${end}`
        const text = await attempt(what, () => transport.raw(`${path}${query}`))
        if (text !== undefined)
          contents.set(`logs/${folder}/${pod.metadata.name}/${name}${end}.log`, redactText(text))
      }
    }
  }
  for (const pod of workers.slice(0, mostWorkers)) await log('workers', pod)
  if (workers.length > mostWorkers)
    problems.push(`logs of ${workers.length - mostWorkers} worker pods are left out`)
  const operators = [
    ...(await gather('operator-pods', pods, { labelSelector: componentSelector('operator') })),
  ] as LoggedPod[]
  // One that the chart did not make, or by another name, is found by the Lease, whose holder begins with the name of its pod.
  for (const lease of found as readonly (KubeObject & { spec?: { holderIdentity?: string } })[]) {
    const name = lease.spec?.holderIdentity?.split('_')[0]
    if (name === undefined || name === '' || operators.some(({ metadata }) => metadata.name === name))
      continue
    const at = { namespace: lease.metadata.namespace ?? '', name }
    const pod = await attempt(`operator pod ${name}`, () => transport.get<LoggedPod>(pods, at))
    if (pod !== undefined) operators.push(pod)
  }
  contents.set('operator-pods.yaml', stringify(redact(operators)))
  if (operators.length === 0)
    problems.push('operator: none of its pods is found, so that its log is not here')
  for (const pod of operators) await log('operator', pod)
  const agents = await gather('node-agent-pods', pods, { labelSelector: componentSelector('node-agent') })
  for (const pod of agents.slice(0, mostAgents)) await log('node-agent', pod)
  if (agents.length > mostAgents)
    problems.push(`logs of ${agents.length - mostAgents} node agents are left out`)
  contents.set('problems.txt', problems.length === 0 ? 'none\n' : `${problems.join('\n')}\n`)
  await write(file, contents, now)
  io.stdout.write(
    `${file}: ${contents.size} files from namespace ${namespace}; look through it before you send it\n`,
  )
  for (const problem of problems) io.stderr.write(`ekya: report goes without ${problem}\n`)
  return 0
}

/** Whole or not at all. */
async function write(file: string, contents: ReadonlyMap<string, string>, now: Date): Promise<void> {
  const archive = pack()
  for (const [name, text] of contents)
    archive.entry({ name: `ekya-report/${name}`, mtime: now, mode: 0o644 }, text)
  archive.finalize()
  const temporary = `${file}.${process.pid}.tmp`
  try {
    await pipeline(archive, createGzip(), createWriteStream(temporary, { mode: 0o600 }))
    await rename(temporary, file)
  } catch (cause) {
    await rm(temporary, { force: true })
    throw new Error(`${file} cannot be written: ${(cause as Error).message}`, { cause })
  }
}
