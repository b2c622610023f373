/** Values of the chart for tests: each switch by itself, and all at once. */
import type { Rendered, Values } from '../render.ts'

/** Every optional part is there. */
export const everything: Values = {
  commonLabels: { team: 'edge' },
  imagePullSecrets: ['pull'],
  operator: {
    replicas: 2,
    extraEnv: [{ name: 'NODE_EXTRA_CA_CERTS', value: '/etc/ca.crt' }],
    podAnnotations: { a: 'b' },
    podLabels: { a: 'b' },
    nodeSelector: { 'kubernetes.io/os': 'linux' },
    tolerations: [{ key: 'edge', operator: 'Exists' }],
    affinity: { nodeAffinity: {} },
  },
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
  gpu: { enabled: true },
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
