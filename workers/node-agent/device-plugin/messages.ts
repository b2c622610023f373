/** The device plugin API (v1beta1.proto) as grpc-js needs it, and its messages as TypeScript types. */
import { fileURLToPath } from 'node:url'
import {
  type GrpcObject,
  loadPackageDefinition,
  type MethodDefinition,
  type ServiceDefinition,
} from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'

export const apiVersion = 'v1beta1'
export const kubeletSocket = 'kubelet.sock'

export interface Device {
  readonly ID: string
  readonly health: 'Healthy' | 'Unhealthy'
}

export interface PluginOptions {
  readonly pre_start_required: boolean
  readonly get_preferred_allocation_available: boolean
}

export interface RegisterRequest {
  readonly version: string
  readonly endpoint: string
  readonly resource_name: string
  readonly options: PluginOptions
}

export interface ListAndWatchResponse {
  readonly devices: readonly Device[]
}

export interface ContainerPreferenceRequest {
  readonly available_deviceIDs: readonly string[]
  readonly must_include_deviceIDs: readonly string[]
  readonly allocation_size: number
}

export interface PreferredAllocationRequest {
  readonly container_requests: readonly ContainerPreferenceRequest[]
}

export interface PreferredAllocationResponse {
  readonly container_responses: readonly { readonly deviceIDs: readonly string[] }[]
}

export interface AllocateRequest {
  readonly container_requests: readonly { readonly devices_ids: readonly string[] }[]
}

export interface Mount {
  readonly container_path: string
  readonly host_path: string
  readonly read_only: boolean
}

export interface ContainerAllocation {
  readonly envs: Readonly<Record<string, string>>
  readonly mounts: readonly Mount[]
}

export interface AllocateResponse {
  readonly container_responses: readonly ContainerAllocation[]
}

const definition = loadPackageDefinition(
  loadSync(fileURLToPath(new URL('./v1beta1.proto', import.meta.url)), {
    // Names as in the file, and every field there: a missing list is an empty one.
    ...{ keepCase: true, defaults: true, arrays: true, objects: true },
  }),
) as unknown as { readonly v1beta1: GrpcObject }

const service = (name: string): ServiceDefinition =>
  (definition.v1beta1[name] as unknown as { readonly service: ServiceDefinition }).service

export const registrationService = service('Registration')
export const devicePluginService = service('DevicePlugin')

/** The wire format of one call, for a client. */
export function method<Request, Response>(
  of: ServiceDefinition,
  name: string,
): MethodDefinition<Request, Response> {
  return of[name] as MethodDefinition<Request, Response>
}
