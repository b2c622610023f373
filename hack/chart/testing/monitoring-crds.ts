/**
 * The kinds of the Prometheus Operator that the chart makes, as definitions that check nothing but what the chart must have right:
 * our own words, enough for an API server to take and keep such objects.
 */
import type { KubernetesObject } from '../../control-plane/api-client.ts'

const kind = (kind: string, plural: string, required: readonly string[]): KubernetesObject => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: {
    name: `${plural}.monitoring.coreos.com`,
    annotations: { 'api-approved.kubernetes.io': 'unapproved, for tests' },
  },
  spec: {
    group: 'monitoring.coreos.com',
    scope: 'Namespaced',
    names: { kind, plural, singular: kind.toLowerCase(), listKind: `${kind}List` },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: 'object',
            required: ['spec'],
            properties: {
              spec: { type: 'object', required, 'x-kubernetes-preserve-unknown-fields': true },
            },
          },
        },
      },
    ],
  },
})

export const monitoringCrds: readonly KubernetesObject[] = [
  kind('ServiceMonitor', 'servicemonitors', ['selector', 'endpoints']),
  kind('PodMonitor', 'podmonitors', ['selector', 'podMetricsEndpoints']),
  kind('PrometheusRule', 'prometheusrules', ['groups']),
]
