/**
 * The cluster that the demo runs in: a control plane of its own or an existing cluster, the resources, and a process node.
 *
 * On an existing cluster everything lives in one namespace of the demo's own, and what the demo made is removed at the end.
 * Pods run on the process node there as well: an existing node would need an image and a storage that both sides see.
 */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse } from 'yaml'
import type { CameraStream, RetrainingWindow } from '../../operator/api/generated/types.ts'
import { apiVersion } from '../../operator/api/names.ts'
import { type ApiClient, ApiError, type KubernetesObject } from '../control-plane/api-client.ts'
import { waitFor } from '../testing/wait-for.ts'

const fieldManager = 'ekya-demo'
const crdsPath = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'

/** Reads and writes of the demo at the API server. */
export class Site {
  readonly client: ApiClient
  readonly namespace: string

  constructor(client: ApiClient, namespace: string) {
    this.client = client
    this.namespace = namespace
  }

  /** @returns names of the definitions that were not there before */
  async installCrds(folder: string, signal?: AbortSignal): Promise<readonly string[]> {
    const files = (await readdir(folder)).filter(name => name.endsWith('.yaml'))
    const created: string[] = []
    const names: string[] = []
    for (const file of files) {
      const crd = parse(await readFile(join(folder, file), 'utf8')) as KubernetesObject
      const path = `${crdsPath}/${crd.metadata.name}`
      if (!(await this.client.exists(path, signal))) created.push(crd.metadata.name)
      await this.#apply(path, crd, signal)
      names.push(crd.metadata.name)
    }
    for (const name of names) await this.#established(name, signal)
    return created
  }

  async removeCrds(names: readonly string[]): Promise<void> {
    for (const name of names) await this.#remove(`${crdsPath}/${name}`)
  }

  /** @throws Error when it exists: what is in it is not the demo's. */
  async createNamespace(signal?: AbortSignal): Promise<void> {
    try {
      await this.client.post(
        '/api/v1/namespaces',
        { apiVersion: 'v1', kind: 'Namespace', metadata: { name: this.namespace } },
        signal,
      )
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 409) throw error
      throw new Error(
        `the namespace ${this.namespace} exists already: another demo runs there, or one was killed; remove it with: kubectl delete namespace ${this.namespace}`,
        { cause: error },
      )
    }
    const account = `/api/v1/namespaces/${this.namespace}/serviceaccounts/default`
    await until('the default service account', () => this.client.exists(account, signal), 30_000, signal)
  }

  /** Removes the namespace with all that is in it, and waits until it has gone. */
  async removeNamespace(): Promise<void> {
    const path = `/api/v1/namespaces/${this.namespace}`
    await this.#remove(path)
    await until(
      `the namespace ${this.namespace} to go`,
      async () => !(await this.client.exists(path)),
      60_000,
    )
  }

  async apply(manifests: readonly object[], signal?: AbortSignal): Promise<void> {
    for (const manifest of manifests as readonly KubernetesObject[]) {
      const plural = manifest.kind === 'CameraStream' ? 'camerastreams' : 'retrainingwindows'
      await this.#apply(`${this.#path(plural)}/${manifest.metadata.name}`, manifest, signal)
    }
  }

  async read(
    signal?: AbortSignal,
  ): Promise<{ cameras: readonly CameraStream[]; window: RetrainingWindow | undefined }> {
    const [cameras, windows] = await Promise.all([
      this.client.get<{ items: readonly CameraStream[] }>(this.#path('camerastreams'), signal),
      this.client.get<{ items: readonly RetrainingWindow[] }>(this.#path('retrainingwindows'), signal),
    ])
    return { cameras: cameras.items, window: windows.items[0] }
  }

  close(): void {
    this.client.close()
  }

  readonly #path = (plural: string): string => `/apis/${apiVersion}/namespaces/${this.namespace}/${plural}`

  async #apply(path: string, body: object, signal?: AbortSignal): Promise<void> {
    await this.client.patch(`${path}?fieldManager=${fieldManager}&force=true`, 'apply', body, signal)
  }

  async #remove(path: string): Promise<void> {
    try {
      await this.client.delete(path)
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 404) throw error
    }
  }

  async #established(name: string, signal?: AbortSignal): Promise<void> {
    interface Crd {
      readonly spec: { readonly group: string; readonly names: { readonly plural: string } }
      readonly status?: { readonly conditions?: { readonly type: string; readonly status: string }[] }
    }
    const path = `${crdsPath}/${name}`
    await until(
      `${name} to be served`,
      async () => {
        const crd = await this.client.get<Crd>(path, signal)
        const established = crd.status?.conditions?.some(
          ({ type, status }) => type === 'Established' && status === 'True',
        )
        // The condition comes a moment before requests are answered.
        return (
          established === true && this.client.exists(`/apis/${apiVersion}/${crd.spec.names.plural}`, signal)
        )
      },
      30_000,
      signal,
    )
  }
}

export async function until(
  what: string,
  condition: () => Promise<boolean>,
  deadlineMs: number,
  signal?: AbortSignal,
): Promise<void> {
  await waitFor(condition, { deadlineMs, intervalMs: 100, describe: what }, signal)
}
