/**
 * A real Prometheus that scrapes what the Prometheus Operator's objects in a cluster name, for the fields that the chart uses.
 *
 * Debian's has no discovery of Kubernetes, so `discover` does it: it writes the targets that there are now into files that Prometheus
 * watches. All files are in a folder that the caller removes.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { ensurePrometheus } from '../chart/promtool.ts'
import type { ApiClient, KubernetesObject } from '../control-plane/api-client.ts'
import { processGuard } from '../control-plane/guard.ts'
import { freePorts } from '../control-plane/ports.ts'
import type { Pod } from '../process-node/pod.ts'
import { waitFor } from './wait-for.ts'

interface Endpoint {
  readonly port: string
  readonly path: string
  readonly interval: string
  readonly honorLabels?: boolean
}

/** A ServiceMonitor or PodMonitor. */
export interface Monitor extends KubernetesObject {
  readonly spec: {
    readonly selector: { readonly matchLabels: Readonly<Record<string, string>> }
    readonly namespaceSelector: { readonly any?: boolean; readonly matchNames?: readonly string[] }
    readonly endpoints?: readonly Endpoint[]
    readonly podMetricsEndpoints?: readonly Endpoint[]
  }
}

export interface PrometheusOptions {
  readonly folder: string
  readonly client: ApiClient
  readonly monitors: readonly Monitor[]
  /** `groups` of a PrometheusRule. */
  readonly groups: readonly unknown[]
}

export interface Sample {
  readonly metric: Readonly<Record<string, string>>
  readonly value: number
}

export interface Prometheus {
  /** Takes up targets that have come, and drops those that have gone. */
  discover(): Promise<void>
  /** An instant query. @throws Error with what Prometheus says of the expression. */
  query(expression: string): Promise<readonly Sample[]>
  /** Alerts that fire. */
  firing(): Promise<readonly string[]>
  /** Rules that could not be evaluated, with why; undefined: not all were evaluated yet. */
  badRules(): Promise<readonly string[] | undefined>
  stop(): Promise<void>
}

export async function startPrometheus(options: PrometheusOptions): Promise<Prometheus> {
  const program = await ensurePrometheus()
  const { folder } = options
  const [port] = await freePorts(1)
  writeFileSync(join(folder, 'rules.yaml'), stringify({ groups: options.groups }))
  writeFileSync(join(folder, 'prometheus.yaml'), stringify(configuration(options)))
  const discover = async (): Promise<void> => {
    for (const [i, monitor] of options.monitors.entries()) {
      const file = join(folder, targetsFile(i))
      writeFileSync(`${file}.partial`, JSON.stringify(await targetsOf(monitor, options.client)))
      renameSync(`${file}.partial`, file)
    }
  }
  await discover()
  const logFile = join(folder, 'prometheus.log')
  const log = openSync(logFile, 'a')
  const child = spawn(
    program,
    [
      `--config.file=${join(folder, 'prometheus.yaml')}`,
      `--storage.tsdb.path=${join(folder, 'prometheus-data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { detached: true, stdio: ['ignore', log, log] },
  )
  closeSync(log)
  if (child.pid !== undefined) processGuard().watchGroup(child.pid)
  const exited = once(child, 'exit')

  const get = async <T>(path: string): Promise<T> => {
    const response = await fetch(`http://127.0.0.1:${port}/api/v1/${path}`, {
      signal: AbortSignal.timeout(10_000),
    })
    const { status, data, error } = (await response.json()) as {
      readonly status: string
      readonly data: T
      readonly error?: string
    }
    if (status !== 'success') throw new Error(`Prometheus refuses ${path}: ${error}`)
    return data
  }
  await waitFor(async () => (await fetch(`http://127.0.0.1:${port}/-/ready`)).ok, {
    deadlineMs: 30_000,
    intervalMs: 100,
    describe: () => `Prometheus to be ready; its log ends in ${readFileSync(logFile, 'utf8').slice(-2000)}`,
  })
  interface Rules {
    readonly groups: readonly {
      readonly rules: readonly {
        readonly name: string
        readonly health: string
        readonly lastError?: string
      }[]
    }[]
  }
  interface Alerts {
    readonly alerts: readonly { readonly state: string; readonly labels: { readonly alertname: string } }[]
  }
  interface Vector {
    readonly result: readonly {
      readonly metric: Sample['metric']
      readonly value: readonly [number, string]
    }[]
  }
  return {
    discover,
    async query(expression) {
      const { result } = await get<Vector>(`query?query=${encodeURIComponent(expression)}`)
      return result.map(({ metric, value }) => ({ metric, value: Number(value[1]) }))
    },
    async firing() {
      const { alerts } = await get<Alerts>('alerts')
      return alerts.filter(({ state }) => state === 'firing').map(({ labels }) => labels.alertname)
    },
    async badRules() {
      const rules = (await get<Rules>('rules')).groups.flatMap(group => group.rules)
      if (rules.length === 0 || rules.some(({ health }) => health === 'unknown')) return undefined
      return rules
        .filter(({ health }) => health !== 'ok')
        .map(({ name, lastError }) => `${name}: ${lastError}`)
    },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGKILL')
      await exited
      if (child.pid !== undefined) processGuard().forgetGroup(child.pid)
    },
  }
}

const targetsFile = (monitor: number): string => `targets-${monitor}.json`

const endpointsOf = ({ spec }: Monitor): readonly Endpoint[] =>
  spec.endpoints ?? spec.podMetricsEndpoints ?? []

function configuration({ monitors }: PrometheusOptions): object {
  return {
    global: { scrape_interval: '1s', evaluation_interval: '1s' },
    rule_files: ['rules.yaml'],
    scrape_configs: monitors.flatMap((monitor, i) =>
      endpointsOf(monitor).map(({ port, path, interval, honorLabels = false }) => ({
        job_name: `${monitor.kind}/${monitor.metadata.namespace}/${monitor.metadata.name}/${port}`,
        honor_labels: honorLabels,
        scrape_interval: interval,
        scrape_timeout: interval,
        metrics_path: path,
        file_sd_configs: [{ files: [targetsFile(i)], refresh_interval: '5s' }],
        relabel_configs: [{ action: 'keep', source_labels: ['endpoint'], regex: port }],
      })),
    ),
  }
}

interface Slice extends KubernetesObject {
  readonly endpoints?: readonly {
    readonly addresses: readonly string[]
    readonly targetRef?: { readonly name: string }
  }[]
  readonly ports?: readonly { readonly name?: string; readonly port: number }[]
}

/** What is said of a target goes before what it says of itself unless it honours labels, as the Prometheus Operator has it. */
interface TargetGroup {
  readonly targets: readonly string[]
  readonly labels: Readonly<Record<string, string>>
}

async function targetsOf(monitor: Monitor, client: ApiClient): Promise<readonly TargetGroup[]> {
  const { any, matchNames = [monitor.metadata.namespace ?? ''] } = monitor.spec.namespaceSelector
  const bases = any ? [''] : matchNames.map(name => `/namespaces/${name}`)
  const groups = await Promise.all(
    bases.map(base =>
      monitor.kind === 'PodMonitor'
        ? podTargets(monitor, base, client)
        : serviceTargets(monitor, base, client),
    ),
  )
  return groups.flat()
}

const selected = ({ spec }: Monitor): string =>
  encodeURIComponent(
    Object.entries(spec.selector.matchLabels)
      .map(([label, value]) => `${label}=${value}`)
      .join(),
  )

async function podTargets(monitor: Monitor, base: string, client: ApiClient): Promise<TargetGroup[]> {
  const path = `/api/v1${base}/pods?labelSelector=${selected(monitor)}`
  const { items } = await client.get<{ items: readonly Pod[] }>(path)
  return items
    .filter(({ status }) => status?.phase === 'Running' && status.podIP !== undefined)
    .flatMap(({ metadata, spec, status }) =>
      spec.containers
        .flatMap(({ ports = [] }) => ports)
        .map(({ name = '', containerPort }) => ({
          targets: [`${status?.podIP}:${containerPort}`],
          labels: { namespace: metadata.namespace, pod: metadata.name, endpoint: name },
        })),
    )
}

async function serviceTargets(monitor: Monitor, base: string, client: ApiClient): Promise<TargetGroup[]> {
  const path = `/api/v1${base}/services?labelSelector=${selected(monitor)}`
  const services = (await client.get<{ items: readonly KubernetesObject[] }>(path)).items
  const groups: TargetGroup[] = []
  for (const { metadata } of services) {
    const ofService = encodeURIComponent(`kubernetes.io/service-name=${metadata.name}`)
    const slices = `/apis/discovery.k8s.io/v1/namespaces/${metadata.namespace}/endpointslices`
    const { items } = await client.get<{ items: readonly Slice[] }>(`${slices}?labelSelector=${ofService}`)
    for (const { endpoints = [], ports = [] } of items)
      for (const { addresses, targetRef } of endpoints)
        for (const { name = '', port } of ports)
          groups.push({
            targets: addresses.map(address => `${address}:${port}`),
            labels: {
              namespace: metadata.namespace ?? '',
              service: metadata.name,
              pod: targetRef?.name ?? '',
              endpoint: name,
            },
          })
  }
  return groups
}
