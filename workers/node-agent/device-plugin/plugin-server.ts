/** The device plugin of one GPU as a gRPC server on a Unix socket: what kubelet calls. One life long; share-plugin.ts makes another. */
import { rm } from 'node:fs/promises'
import {
  type handleUnaryCall,
  Server,
  ServerCredentials,
  type ServerWritableStream,
  status,
} from '@grpc/grpc-js'
import { messageOf } from '../errors.ts'
import { allocate, devicesOf, preferred, type SharedGpu } from './allocation.ts'
import {
  type AllocateRequest,
  type AllocateResponse,
  devicePluginService,
  type ListAndWatchResponse,
  type PluginOptions,
  type PreferredAllocationRequest,
  type PreferredAllocationResponse,
} from './messages.ts'

export const pluginOptions: PluginOptions = {
  pre_start_required: false,
  get_preferred_allocation_available: true,
}

export interface PluginEvents {
  /** Units that a container got. */
  onAllocate?(units: number): void
}

export interface PluginServer {
  /** kubelets that follow the list of devices. */
  readonly watchers: number
  setHealthy(healthy: boolean): void
  close(): Promise<void>
}

/** @throws Error if the socket cannot be bound */
export async function servePlugin(
  socket: string,
  gpu: SharedGpu,
  initiallyHealthy: boolean,
  { onAllocate }: PluginEvents = {},
): Promise<PluginServer> {
  let healthy = initiallyHealthy
  const watchers = new Set<ServerWritableStream<object, ListAndWatchResponse>>()
  const list = (): ListAndWatchResponse => ({ devices: devicesOf(gpu, healthy) })

  const getPreferredAllocation: handleUnaryCall<PreferredAllocationRequest, PreferredAllocationResponse> = (
    { request },
    answer,
  ) =>
    answer(null, {
      container_responses: request.container_requests.map(each => ({ deviceIDs: preferred(each) })),
    })
  const allocateUnits: handleUnaryCall<AllocateRequest, AllocateResponse> = ({ request }, answer) => {
    try {
      const containers = request.container_requests.map(({ devices_ids }) => allocate(gpu, devices_ids))
      for (const { devices_ids } of request.container_requests) onAllocate?.(devices_ids.length)
      answer(null, { container_responses: containers })
    } catch (error) {
      answer({ code: status.INVALID_ARGUMENT, details: messageOf(error) })
    }
  }

  const server = new Server()
  server.addService(devicePluginService, {
    GetDevicePluginOptions: (_call: unknown, answer: (error: null, options: PluginOptions) => void) =>
      answer(null, pluginOptions),
    ListAndWatch(call: ServerWritableStream<object, ListAndWatchResponse>) {
      watchers.add(call)
      call.once('close', () => watchers.delete(call))
      call.once('cancelled', () => watchers.delete(call))
      call.once('error', () => watchers.delete(call))
      call.write(list())
    },
    GetPreferredAllocation: getPreferredAllocation,
    Allocate: allocateUnits,
    PreStartContainer: (_call: unknown, answer: (error: null, nothing: object) => void) => answer(null, {}),
  })
  // What an earlier life left would refuse the address.
  await rm(socket, { force: true })
  await new Promise<void>((resolve, reject) =>
    server.bindAsync(`unix:${socket}`, ServerCredentials.createInsecure(), error =>
      error ? reject(error) : resolve(),
    ),
  )
  return {
    get watchers() {
      return watchers.size
    },
    setHealthy(next) {
      if (next === healthy) return
      healthy = next
      for (const call of watchers) call.write(list())
    },
    async close() {
      for (const call of watchers) call.end()
      server.forceShutdown()
      await rm(socket, { force: true })
    },
  }
}
