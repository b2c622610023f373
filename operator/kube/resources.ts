/**
 * Descriptors of API resources and the paths under which the API server serves them.
 */
import type { NamespacedName } from './objects.ts'

export interface Resource {
  /** `''` for the core group. */
  readonly group: string
  readonly version: string
  readonly kind: string
  /** Lower-case plural, as in the path. */
  readonly plural: string
  readonly namespaced: boolean
}

export const pods: Resource = { group: '', version: 'v1', kind: 'Pod', plural: 'pods', namespaced: true }
export const nodes: Resource = { group: '', version: 'v1', kind: 'Node', plural: 'nodes', namespaced: false }
export const namespaces: Resource = {
  group: '',
  version: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  namespaced: false,
}
export const configMaps: Resource = {
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  namespaced: true,
}
export const leases: Resource = {
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
  plural: 'leases',
  namespaced: true,
}
export const events: Resource = {
  group: 'events.k8s.io',
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  namespaced: true,
}
export const customResourceDefinitions: Resource = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  namespaced: false,
}

export function apiVersionOf(resource: Resource): string {
  return resource.group ? `${resource.group}/${resource.version}` : resource.version
}

/** Path of a collection; without a namespace, of all namespaces. */
export function collectionPath(resource: Resource, namespace?: string): string {
  const base = resource.group ? `/apis/${resource.group}/${resource.version}` : `/api/${resource.version}`
  const scope = resource.namespaced && namespace ? `/namespaces/${encodeURIComponent(namespace)}` : ''
  return `${base}${scope}/${resource.plural}`
}

/** @throws TypeError where a namespace is missing: the path would name another resource. */
export function objectPath(
  resource: Resource,
  { namespace, name }: NamespacedName,
  subresource?: string,
): string {
  if (!name) throw new TypeError(`${resource.plural}: a name is needed`)
  if (resource.namespaced && !namespace)
    throw new TypeError(`${resource.plural} ${name}: a namespace is needed`)
  const tail = subresource ? `/${subresource}` : ''
  return `${collectionPath(resource, namespace)}/${encodeURIComponent(name)}${tail}`
}
