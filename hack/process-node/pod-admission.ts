/**
 * What a process node refuses to run, because leaving it out silently would make the pod something else than it asked for.
 *
 * Left out knowingly, without a refusal: the image (a process uses the machine's files), security contexts (all run as the user
 * who runs the node), the service account's token (mounted by default at a path that only a container can have), and ports
 * (a pod has an address of its own, hence every port).
 */

import type { ContainerSpec, Pod, Resources, Volume, VolumeMount } from './pod.ts'
import { parseQuantity } from './quantity.ts'

const tokenPath = '/var/run/secrets/kubernetes.io/serviceaccount'
const acceptedVolumes =
  'accepted are hostPath volumes mounted at their own host path (as root at any), and an emptyDir mounted at /tmp'

/** Every reason at once, empty when the pod can run. */
export function unsupported(pod: Pod, mountsElsewhere: boolean): string[] {
  const { spec } = pod
  const problems: string[] = []
  if (spec.initContainers?.length)
    problems.push('spec.initContainers: a process node runs only spec.containers')
  if (spec.hostNetwork)
    problems.push('spec.hostNetwork: each pod of a process node has an address of its own')
  for (const container of spec.containers)
    problems.push(...unsupportedIn(container, spec.volumes ?? [], mountsElsewhere))
  return problems
}

function unsupportedIn(
  container: ContainerSpec,
  volumes: readonly Volume[],
  mountsElsewhere: boolean,
): string[] {
  const at = `container ${container.name}`
  const problems: string[] = []
  if (!container.command?.length) {
    problems.push(`${at}: command is missing; a process node reads no images, so that it must be given`)
  }
  for (const variable of container.env ?? []) {
    const { fieldRef, resourceFieldRef } = variable.valueFrom ?? {}
    if (variable.valueFrom && !fieldRef && !resourceFieldRef) {
      problems.push(`${at}: env ${variable.name}: accepted are value, fieldRef and resourceFieldRef`)
    }
  }
  if (container.envFrom?.length) problems.push(`${at}: envFrom is not supported; accepted is env`)
  if (container.lifecycle?.postStart || container.lifecycle?.preStop) {
    problems.push(`${at}: lifecycle hooks are not supported`)
  }
  for (const kind of ['startupProbe', 'livenessProbe', 'readinessProbe'] as const) {
    if (container[kind]?.grpc) problems.push(`${at}: ${kind}: accepted are httpGet, tcpSocket and exec`)
  }
  for (const mount of container.volumeMounts ?? []) {
    const problem = unsupportedMount(
      mount,
      volumes.find(volume => volume.name === mount.name),
      mountsElsewhere,
    )
    if (problem)
      problems.push(`${at}: volume ${mount.name} at ${mount.mountPath}: ${problem}; ${acceptedVolumes}`)
  }
  return problems
}

function unsupportedMount(
  mount: VolumeMount,
  volume: Volume | undefined,
  mountsElsewhere: boolean,
): string | undefined {
  if (mount.subPath || mount.subPathExpr) return 'subPath is not supported'
  if (volume?.hostPath) {
    const trim = (path: string) => path.replace(/\/+$/, '')
    if (mountsElsewhere || trim(volume.hostPath.path) === trim(mount.mountPath)) return undefined
    return `without root a process sees the host's own paths, and the host path is ${volume.hostPath.path}`
  }
  if (volume?.emptyDir) return mount.mountPath === '/tmp' ? undefined : 'an emptyDir cannot be mounted there'
  if (volume?.projected && mount.mountPath === tokenPath) return undefined
  const kind = Object.keys(volume ?? {}).find(key => key !== 'name') ?? 'unknown'
  return `volumes of kind ${kind} are not supported`
}

/** Cores and bytes that a pod, or one resource list, asks for. Requests count; a missing request is the limit, as for Kubernetes. */
export interface Demand {
  readonly cpu: number
  readonly memory: number
}

export function demandOf(resources: Resources | undefined): Demand {
  const { requests, limits } = resources ?? {}
  return {
    cpu: parseQuantity(requests?.cpu ?? limits?.cpu) ?? 0,
    memory: parseQuantity(requests?.memory ?? limits?.memory) ?? 0,
  }
}

export function sumDemands(demands: Iterable<Demand>): Demand {
  let cpu = 0
  let memory = 0
  for (const demand of demands) {
    cpu += demand.cpu
    memory += demand.memory
  }
  return { cpu, memory }
}

/** The name of the first resource that does not fit, with the numbers. */
export function shortage(
  wanted: Demand,
  available: Demand,
): { resource: 'cpu' | 'memory'; message: string } | undefined {
  for (const resource of ['cpu', 'memory'] as const) {
    // Sums of millicores are not exact in binary.
    if (wanted[resource] > available[resource] * (1 + 1e-9) + 1e-9) {
      const unit = resource === 'cpu' ? 'cores' : 'bytes'
      const round = (value: number) => Math.round(value * 1000) / 1000
      return {
        resource,
        message: `${resource}: asked for ${round(wanted[resource])} ${unit}, free are ${round(Math.max(0, available[resource]))}`,
      }
    }
  }
  return undefined
}
