/** What requests to an API server are in the terms of its roles, and which of them rules allow. */
import { writeFile } from 'node:fs/promises'
import { KubeConfig } from '@kubernetes/client-node'
import { stringify } from 'yaml'
import type { ApiServer } from '../../testing/api-server.ts'

export interface Access {
  readonly group: string
  /** With its subresource, as in `pods/resize`. */
  readonly resource: string
  readonly verb: string
  readonly name?: string
  readonly namespace?: string
}

export interface PolicyRule {
  readonly apiGroups: readonly string[]
  readonly resources: readonly string[]
  readonly verbs: readonly string[]
  readonly resourceNames?: readonly string[]
}

/** @throws Error for a path of no resource, such as /readyz. */
export function accessOf(method: string, path: string, watch: boolean): Access {
  const match =
    /^\/(?:api|apis\/([^/]+))\/[^/]+(?:\/namespaces\/([^/]+))?\/([^/]+)(?:\/([^/]+))?(?:\/([^/]+))?$/.exec(
      path,
    )
  if (match === null) throw new Error(`${method} ${path} is no path of a resource`)
  const [, group = '', namespace, plural, name, subresource] = match
  const verb =
    method === 'GET'
      ? name !== undefined
        ? 'get'
        : watch
          ? 'watch'
          : 'list'
      : { POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' }[method]
  if (verb === undefined) throw new Error(`${method} is no verb`)
  return {
    group,
    resource: subresource === undefined ? plural! : `${plural}/${subresource}`,
    verb,
    ...(name === undefined ? {} : { name }),
    ...(namespace === undefined ? {} : { namespace }),
  }
}

/** `group/resource verb`, one for each that a rule grants. */
export const grants = (rule: PolicyRule): readonly string[] =>
  rule.apiGroups.flatMap(group =>
    rule.resources.flatMap(resource => rule.verbs.map(verb => `${group}/${resource} ${verb}`)),
  )

export const allows = (rule: PolicyRule, access: Access): boolean =>
  grants(rule).includes(`${access.group}/${access.resource} ${access.verb}`) &&
  (rule.resourceNames === undefined ||
    (access.name !== undefined && rule.resourceNames.includes(access.name)))

/** A fresh token of a service account. */
export async function tokenOf(api: ApiServer, account: string): Promise<string> {
  const path = `/api/v1/namespaces/${api.namespace()}/serviceaccounts/${account}/token`
  const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} }
  const { status } = await api.client().post<{ readonly status: { readonly token: string } }>(path, request)
  return status.token
}

/** A kubeconfig with that token instead of the administrator's. */
export async function writeAccess(api: ApiServer, token: string, file: string): Promise<string> {
  const config = new KubeConfig()
  config.loadFromFile(api.kubeconfig())
  const { server, caData } = config.getCurrentCluster()!
  const cluster = { server, 'certificate-authority-data': caData }
  await writeFile(
    file,
    stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'a', cluster }],
      users: [{ name: 'a', user: { token } }],
      contexts: [{ name: 'a', context: { cluster: 'a', user: 'a', namespace: api.namespace() } }],
      'current-context': 'a',
    }),
  )
  return file
}
