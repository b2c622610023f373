/**
 * From a container's spec to the command line and environment of a process, by Kubernetes' rules: downward API, and `$(NAME)`
 * in command, args and env (`$$(NAME)` stays literal, unknown names stay as they are).
 */
import { terminationLogVariable } from '../../operator/api/worker.ts'
import type { ContainerSpec, EnvVar, Pod } from './pod.ts'
import { parseQuantity } from './quantity.ts'

/** Marks every process of a node, so that a restarted node finds those that its predecessor left. */
export const nodeMarker = 'EKYA_PROCESS_NODE'

export interface LaunchContext {
  readonly podIP: string
  readonly hostIP: string
  readonly nodeName: string
  /** Value of the marker variable. */
  readonly marker: string
  /** Folders that come first on PATH. */
  readonly path: readonly string[]
  readonly inheritedPath: string
  /** What the image sets; a container's own variables win. */
  readonly imageEnv: Readonly<Record<string, string>>
  readonly home: string
  readonly temporary: string
  readonly terminationLog: string
  /** What an unlimited resource amounts to, for resourceFieldRef. */
  readonly capacity: { readonly cpu: number; readonly memory: number }
}

export interface Launch {
  readonly command: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

export function launchOf(pod: Pod, container: ContainerSpec, context: LaunchContext): Launch {
  const base: Record<string, string> = {
    PATH: [...context.path, context.inheritedPath].filter(part => part !== '').join(':'),
    HOME: context.home,
    TMPDIR: context.temporary,
    HOSTNAME: pod.metadata.name,
    LANG: 'C.UTF-8',
  }
  const declared: Record<string, string> = {}
  for (const variable of container.env ?? []) {
    declared[variable.name] = variable.valueFrom
      ? referenced(variable, pod, container, context)
      : expand(variable.value ?? '', declared)
  }
  const env = {
    ...context.imageEnv,
    ...base,
    ...declared,
    [nodeMarker]: context.marker,
    [terminationLogVariable]: context.terminationLog,
  }
  const words = [...(container.command ?? []), ...(container.args ?? [])]
  return { command: words.map(word => expand(word, declared)), env }
}

/** @see https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/ */
export function expand(text: string, variables: Readonly<Record<string, string>>): string {
  return text.replace(/\$\$|\$\(([^)]*)\)/g, (match, name: string | undefined) =>
    name === undefined ? '$' : (variables[name] ?? match),
  )
}

function referenced(variable: EnvVar, pod: Pod, container: ContainerSpec, context: LaunchContext): string {
  const { fieldRef, resourceFieldRef } = variable.valueFrom ?? {}
  if (fieldRef) return field(fieldRef.fieldPath, pod, context)
  if (!resourceFieldRef) return ''
  const { resource, divisor = '1', containerName } = resourceFieldRef
  const of = pod.spec.containers.find(({ name }) => name === containerName) ?? container
  const [kind, name = ''] = resource.split('.') as ['limits' | 'requests', string?]
  const given = of.resources?.[kind]?.[name]
  const unlimited = kind === 'limits' ? context.capacity[name as 'cpu' | 'memory'] : 0
  const amount = given === undefined ? unlimited : parseQuantity(given)
  return String(Math.ceil((amount ?? 0) / (parseQuantity(divisor) || 1) - 1e-9))
}

function field(path: string, pod: Pod, context: LaunchContext): string {
  const keyed = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(path)
  if (keyed) return pod.metadata[keyed[1] as 'labels' | 'annotations']?.[keyed[2]!] ?? ''
  switch (path) {
    case 'metadata.name':
      return pod.metadata.name
    case 'metadata.namespace':
      return pod.metadata.namespace
    case 'metadata.uid':
      return pod.metadata.uid
    case 'spec.nodeName':
      return context.nodeName
    case 'spec.serviceAccountName':
      return pod.spec.serviceAccountName ?? ''
    case 'status.podIP':
    case 'status.podIPs':
      return context.podIP
    case 'status.hostIP':
    case 'status.hostIPs':
      return context.hostIP
    default:
      return ''
  }
}
