/** Under which path an API server serves an object, asked of its discovery. */
import type { ApiClient } from '../../control-plane/api-client.ts'
import type { Rendered } from '../render.ts'

interface ResourceList {
  readonly resources: readonly {
    readonly name: string
    readonly kind: string
    readonly namespaced: boolean
  }[]
}

export function objectPaths(client: ApiClient): (object: Rendered) => Promise<string> {
  const lists = new Map<string, Promise<ResourceList>>()
  return async ({ apiVersion, kind, metadata }) => {
    const base = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`
    const list = lists.get(base) ?? client.get<ResourceList>(base)
    lists.set(base, list)
    const resource = (await list).resources.find(found => found.kind === kind && !found.name.includes('/'))
    if (resource === undefined) throw new Error(`the API server does not serve ${kind} of ${apiVersion}`)
    const scope = resource.namespaced ? `/namespaces/${metadata.namespace}` : ''
    return `${base}${scope}/${resource.name}/${metadata.name}`
  }
}
