/**
 * A real Kubernetes API server for integration tests.
 *
 *   const api = useApiServer({ crds: true })
 *   it('…', async () => { api.kubeconfig(); api.namespace(); await api.client().get(`/api/v1/namespaces/${api.namespace()}/pods`) })
 *
 * The control plane is the one that the environment names (the test runner starts one for a whole run), else one that is started at
 * first use and serves this mocha process until it ends; guard.ts takes it down with the process. Each suite has its own namespace.
 */
import { randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { after, before } from 'mocha'
import { parseAllDocuments } from 'yaml'
import { ApiClient, type KubernetesObject } from '../control-plane/api-client.ts'
import { type ControlPlane, type ServerName, startControlPlane } from '../control-plane/control-plane.ts'
import { processGuard } from '../control-plane/guard.ts'
import { waitFor } from './wait-for.ts'

export { waitFor } from './wait-for.ts'

/** Names the kubeconfig of a control plane that is shared by several test processes. */
export const sharedKubeconfigVariable = 'EKYA_TEST_KUBECONFIG'

export interface ApiServerOptions {
  /** Install crds/*.yaml and wait until they are served. */
  readonly crds?: boolean
  /**
   * A control plane of this suite's own, stopped at the suite's end: for tests that kill components. Names what to start besides
   * etcd and kube-apiserver.
   */
  readonly own?: readonly ServerName[]
}

export interface ApiServer {
  /** Path of a kubeconfig with all rights. */
  kubeconfig(): string
  /** https URL. */
  server(): string
  /** This suite's namespace; its default service account exists. */
  namespace(): string
  client(): ApiClient
  /** Only with `own`. */
  controlPlane(): ControlPlane
}

const crdDirectory = fileURLToPath(new URL('../../crds/', import.meta.url))

let started: Promise<ControlPlane> | undefined
const installed = new Map<string, Promise<void>>()

/** To be called in the body of a `describe`. */
export function useApiServer({ crds = false, own }: ApiServerOptions = {}): ApiServer {
  let kubeconfig: string | undefined
  let client: ApiClient | undefined
  let controlPlane: ControlPlane | undefined
  const namespace = `test-${randomBytes(4).toString('hex')}`

  before(async function () {
    // A build of the control plane may have to come first.
    this.timeout(30 * 60_000)
    if (own) {
      controlPlane = await startTemporary(own)
      kubeconfig = controlPlane.kubeconfig
    } else {
      kubeconfig = process.env[sharedKubeconfigVariable] || (await startShared()).kubeconfig
    }
    client = await ApiClient.fromKubeconfig(kubeconfig)
    if (crds) await installOnce(kubeconfig, client)
    await client.post('/api/v1/namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: namespace },
    })
    if (!own || own.includes('kube-controller-manager')) {
      const account = `/api/v1/namespaces/${namespace}/serviceaccounts/default`
      await waitFor(() => client!.exists(account), {
        describe: `the default service account of ${namespace}`,
      })
    }
  })

  after(async function () {
    this.timeout(60_000)
    if (controlPlane) await controlPlane.stop()
    // Not waited for: the namespace is this suite's alone.
    else await client?.delete(`/api/v1/namespaces/${namespace}`).catch(() => {})
    client?.close()
  })

  const need = <T>(value: T | undefined, what: string): T => {
    if (value === undefined) throw new Error(`${what} is available in hooks and tests only`)
    return value
  }
  return {
    kubeconfig: () => need(kubeconfig, 'kubeconfig()'),
    server: () => need(client, 'server()').server,
    namespace: () => namespace,
    client: () => need(client, 'client()'),
    controlPlane: () => need(controlPlane, 'controlPlane(), with the option `own`,'),
  }
}

function startShared(): Promise<ControlPlane> {
  started ??= startTemporary(undefined)
  return started
}

async function startTemporary(components: readonly ServerName[] | undefined): Promise<ControlPlane> {
  const directory = mkdtempSync(join(tmpdir(), 'ekya-test-'))
  processGuard().watchPath(directory)
  const options = { directory, onProgress: (line: string) => process.stderr.write(`  ${line}\n`) }
  return startControlPlane(components ? { ...options, components } : options)
}

/** Applies crds/*.yaml once per process; the server-side apply makes it harmless when two processes do it. */
function installOnce(kubeconfig: string, client: ApiClient): Promise<void> {
  const existing = installed.get(kubeconfig)
  if (existing) return existing
  const installation = installCrds(client)
  installed.set(kubeconfig, installation)
  return installation
}

export async function installCrds(client: ApiClient, directory = crdDirectory): Promise<void> {
  if (!existsSync(directory)) throw new Error(`${directory} does not exist`)
  const files = readdirSync(directory).filter(name => name.endsWith('.yaml'))
  const names: string[] = []
  for (const file of files) {
    for (const document of parseAllDocuments(readFileSync(join(directory, file), 'utf8'))) {
      const crd = document.toJS() as KubernetesObject | null
      if (crd?.kind !== 'CustomResourceDefinition') continue
      names.push(crd.metadata.name)
      await client.patch(`${crdPath}/${crd.metadata.name}?fieldManager=ekya-hack&force=true`, 'apply', crd)
    }
  }
  await Promise.all(
    names.map(name => waitFor(() => isServed(client, name), { describe: `the CRD ${name} to be served` })),
  )
}

const crdPath = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'

interface Crd extends KubernetesObject {
  readonly spec: {
    readonly group: string
    readonly names: { readonly plural: string }
    readonly versions: { readonly name: string; readonly served: boolean }[]
  }
  readonly status?: { readonly conditions?: { readonly type: string; readonly status: string }[] }
}

/** Established comes a moment before the requests are answered, hence the list of the objects. */
async function isServed(client: ApiClient, name: string): Promise<boolean> {
  const crd = await client.get<Crd>(`${crdPath}/${name}`)
  const established = crd.status?.conditions?.some(
    ({ type, status }) => type === 'Established' && status === 'True',
  )
  if (!established) return false
  for (const version of crd.spec.versions.filter(({ served }) => served)) {
    if (!(await client.exists(`/apis/${crd.spec.group}/${version.name}/${crd.spec.names.plural}?limit=1`)))
      return false
  }
  return true
}
