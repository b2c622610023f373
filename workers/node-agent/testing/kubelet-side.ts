/** kubelet's side of the device plugin API on real Unix sockets: takes registrations, follows lists of devices, allocates. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  Client,
  type ClientReadableStream,
  credentials,
  type handleUnaryCall,
  Server,
  ServerCredentials,
} from '@grpc/grpc-js'
import {
  type AllocateResponse,
  type Device,
  devicePluginService,
  kubeletSocket,
  type ListAndWatchResponse,
  method,
  type PluginOptions,
  type PreferredAllocationRequest,
  type PreferredAllocationResponse,
  type RegisterRequest,
  registrationService,
} from '../device-plugin/messages.ts'

export class KubeletSide {
  readonly folder = mkdtempSync(join(tmpdir(), 'ekya-kubelet-'))
  readonly registrations: RegisterRequest[] = []
  /** The devices of each resource as last told. */
  readonly devices = new Map<string, readonly Device[]>()
  /** Why registrations are refused. */
  refusal: string | undefined
  /** Take registrations and never ask for devices. */
  deaf = false
  #server: Server | undefined
  readonly #clients = new Map<string, Client>()
  readonly #streams = new Set<ClientReadableStream<ListAndWatchResponse>>()

  async start(): Promise<void> {
    const server = new Server()
    const register: handleUnaryCall<RegisterRequest, object> = ({ request }, answer) => {
      if (this.refusal !== undefined) return answer({ code: 2, details: this.refusal })
      this.registrations.push(request)
      answer(null, {})
      if (!this.deaf) this.#follow(request)
    }
    server.addService(registrationService, { Register: register })
    await new Promise<void>((resolve, reject) =>
      server.bindAsync(
        `unix:${join(this.folder, kubeletSocket)}`,
        ServerCredentials.createInsecure(),
        error => (error ? reject(error) : resolve()),
      ),
    )
    this.#server = server
  }

  /** As kubelet at its start: all sockets of the folder go, those of plugins among them, and nothing is known any more. */
  async restart(): Promise<void> {
    this.stop()
    rmSync(this.folder, { recursive: true, force: true })
    mkdirSync(this.folder)
    this.devices.clear()
    await this.start()
  }

  stop(): void {
    this.hangUp()
    for (const client of this.#clients.values()) client.close()
    this.#clients.clear()
    this.#server?.forceShutdown()
    this.#server = undefined
  }

  /** Ends all ListAndWatch calls and keeps everything else. */
  hangUp(): void {
    for (const stream of this.#streams) stream.cancel()
    this.#streams.clear()
  }

  remove(): void {
    this.stop()
    rmSync(this.folder, { recursive: true, force: true })
  }

  healthy(resource: string): number {
    return (this.devices.get(resource) ?? []).filter(({ health }) => health === 'Healthy').length
  }

  allocate(resource: string, ids: readonly string[]): Promise<AllocateResponse> {
    return this.#call(resource, 'Allocate', { container_requests: [{ devices_ids: ids }] })
  }

  options(resource: string): Promise<PluginOptions> {
    return this.#call(resource, 'GetDevicePluginOptions', {})
  }

  prefer(resource: string, request: PreferredAllocationRequest): Promise<PreferredAllocationResponse> {
    return this.#call(resource, 'GetPreferredAllocation', request)
  }

  #follow({ endpoint, resource_name }: RegisterRequest): void {
    const client = new Client(`unix:${join(this.folder, endpoint)}`, credentials.createInsecure())
    this.#clients.get(resource_name)?.close()
    this.#clients.set(resource_name, client)
    const { path, requestSerialize, responseDeserialize } = method<object, ListAndWatchResponse>(
      devicePluginService,
      'ListAndWatch',
    )
    const stream = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, {})
    this.#streams.add(stream)
    stream.on('data', ({ devices }: ListAndWatchResponse) => this.devices.set(resource_name, devices))
    // The plugin is gone: what it had is unhealthy.
    const gone = () => {
      if (this.#streams.delete(stream)) this.devices.set(resource_name, [])
    }
    stream.on('error', gone)
    stream.on('end', gone)
  }

  #call<Request, Response>(resource: string, name: string, request: Request): Promise<Response> {
    const client = this.#clients.get(resource)
    if (!client) throw new Error(`no plugin for ${resource}`)
    const { path, requestSerialize, responseDeserialize } = method<Request, Response>(
      devicePluginService,
      name,
    )
    return new Promise((resolve, reject) =>
      client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, (error, response) =>
        error ? reject(error) : resolve(response!),
      ),
    )
  }
}
