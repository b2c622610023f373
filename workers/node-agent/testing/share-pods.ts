/** Pods with units of a GPU, for tests on a real kubelet. */
import { type ApiClient, ApiError, type KubernetesObject } from '../../../hack/control-plane/api-client.ts'

export interface Pod extends KubernetesObject {
  readonly spec: { readonly nodeName?: string }
  readonly status?: {
    readonly phase?: string
    readonly reason?: string
    readonly message?: string
    readonly conditions?: readonly {
      readonly type: string
      readonly status: string
      readonly message?: string
    }[]
    readonly containerStatuses?: readonly {
      readonly containerID?: string
      readonly restartCount: number
      readonly state?: { readonly terminated?: { readonly exitCode: number; readonly message?: string } }
    }[]
  }
}

export interface ShareContainer {
  readonly image: string
  readonly command?: readonly string[]
  readonly env?: readonly { readonly name: string; readonly value: string }[]
}

export class SharePods {
  readonly #client: ApiClient
  readonly #namespace: string
  readonly #resource: string

  constructor(client: ApiClient, namespace: string, resource: string) {
    this.#client = client
    this.#namespace = namespace
    this.#resource = resource
  }

  create(name: string, units: number, { image, command, env }: ShareContainer): Promise<Pod> {
    const amount = { [this.#resource]: String(units) }
    return this.#client.post(this.#path(), {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name },
      spec: {
        restartPolicy: 'Never',
        terminationGracePeriodSeconds: 1,
        automountServiceAccountToken: false,
        containers: [
          {
            name: 'worker',
            image,
            imagePullPolicy: 'IfNotPresent',
            ...(command === undefined ? {} : { command }),
            ...(env === undefined ? {} : { env }),
            resources: { limits: amount, requests: amount },
          },
        ],
      },
    })
  }

  get(name: string): Promise<Pod> {
    return this.#client.get(this.#path(name))
  }

  async list(): Promise<readonly Pod[]> {
    return (await this.#client.get<{ readonly items: readonly Pod[] }>(this.#path())).items
  }

  /** One that is gone already is no failure. */
  async delete(name: string): Promise<void> {
    try {
      await this.#client.delete(this.#path(name))
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 404)) throw error
    }
  }

  async isGone(name: string): Promise<boolean> {
    return !(await this.#client.exists(this.#path(name)))
  }

  async phase(name: string): Promise<string | undefined> {
    return (await this.get(name)).status?.phase
  }

  /** Why the scheduler does not place it; undefined: it has placed it, or not looked yet. */
  async unschedulable(name: string): Promise<string | undefined> {
    const conditions = (await this.get(name)).status?.conditions ?? []
    return conditions.find(({ type, status }) => type === 'PodScheduled' && status === 'False')?.message
  }

  /** What the container left in its termination message; undefined: it has not ended. */
  async message(name: string): Promise<string | undefined> {
    return (await this.get(name)).status?.containerStatuses?.[0]?.state?.terminated?.message
  }

  #path(name?: string): string {
    const all = `/api/v1/namespaces/${this.#namespace}/pods`
    return name === undefined ? all : `${all}/${name}`
  }
}
