/** Values of the chart for tests: each switch by itself, and all at once. */
import { leaves } from '../../generate/chart.ts'
import type { Rendered, Values } from '../render.ts'

/** Every optional part is there. */
export const everything: Values = {
  commonLabels: { team: 'edge' },
  imagePullSecrets: ['pull'],
  operator: {
    replicas: 2,
    mountStorage: true,
    extraEnv: [{ name: 'NODE_EXTRA_CA_CERTS', value: '/etc/ca.crt' }],
    podAnnotations: { a: 'b' },
    podLabels: { a: 'b' },
    nodeSelector: { 'kubernetes.io/os': 'linux' },
    tolerations: [{ key: 'edge', operator: 'Exists' }],
    affinity: { nodeAffinity: {} },
  },
  worker: { tolerations: [{ key: 'dedicated', operator: 'Equal', value: 'cameras', effect: 'NoSchedule' }] },
  serviceAccount: { annotations: { a: 'b' } },
  service: { annotations: { a: 'b' } },
  storage: { mountPath: '/mnt/ekya', pvc: { storageClassName: 'fast', accessMode: 'ReadWriteMany' } },
  metrics: {
    serviceMonitor: { enabled: true, labels: { prometheus: 'main' } },
    podMonitor: { enabled: true, labels: { prometheus: 'main' } },
    prometheusRule: {
      enabled: true,
      labels: { prometheus: 'main' },
      alertLabels: { team: 'edge' },
      runbookUrl: 'https://runbooks.example.org/ekya',
    },
    dashboard: { enabled: true, annotations: { folder: 'ekya' } },
  },
  networkPolicy: { enabled: true, from: [{ namespaceSelector: { matchLabels: { monitoring: 'true' } } }] },
  priorityClass: { create: true },
  gpu: {
    enabled: true,
    backend: 'units',
    runtimeClassName: 'nvidia',
    podCpu: '0.5',
    podMemory: '1Gi',
    units: { resource: 'example.org/unit', perGpu: 100 },
    slices: { resource: 'example.org/slice', perGpu: 8 },
    kaiQueue: 'edge',
  },
  nodeAgent: { extraArgs: ['--log-level=debug'], extraEnv: [{ name: 'A', value: 'b' }] },
}

/** Everything that can be switched off is. */
export const nothing: Values = {
  crds: { enabled: false },
  operator: { leaderElection: { enabled: false }, podDisruptionBudget: { enabled: false } },
  serviceAccount: { create: false },
  rbac: { create: false, aggregateClusterRoles: false },
  storage: { type: 'hostPath', pvc: { create: false } },
  tests: { enabled: false },
}

/** Each switch (a value that is true or false) of `defaults` turned over in `values`, which are the defaults where they say nothing. */
export function turnedOver(defaults: Values, values: Values): readonly Values[] {
  return leaves(defaults).flatMap(path => {
    const keys = path.split('.')
    const standard = at(defaults, keys)
    if (typeof standard !== 'boolean') return []
    return [withValue(values, keys, !(at(values, keys) ?? standard))]
  })
}

function at(value: unknown, keys: readonly string[]): unknown {
  return keys.reduce<unknown>((found, key) => (found as Values | undefined)?.[key], value)
}

function withValue(values: Values, [key, ...rest]: readonly string[], value: unknown): Values {
  const inner = values[key!] as Values | undefined
  return { ...values, [key!]: rest.length === 0 ? value : withValue(inner ?? {}, rest, value) }
}

/** `Kind name`, with the namespace where it is not the release's, sorted. */
export function objectsOf(objects: readonly Rendered[], namespace = 'ekya-system'): readonly string[] {
  return objects
    .map(({ kind, metadata }) => {
      const where =
        metadata.namespace === undefined || metadata.namespace === namespace ? '' : `${metadata.namespace}/`
      return `${kind} ${where}${metadata.name}`
    })
    .sort()
}
