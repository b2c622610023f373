/** How the commands for a running site reach its API server, and what they say when they cannot do what is asked. */
import { stringify } from 'yaml'
import type { CameraStream, RetrainingWindow } from '../../api/generated/types.ts'
import { apiVersion } from '../../api/names.ts'
import { cameraStreams, retrainingWindows } from '../../cluster/resources.ts'
import { packageVersion } from '../../config/version.ts'
import { isNotFound, KubeError } from '../../kube/errors.ts'
import type { KubeObject } from '../../kube/objects.ts'
import type { Resource } from '../../kube/resources.ts'
import { createTransport, type Transport } from '../../kube/transport.ts'
import { UsageError } from '../errors.ts'
import type { Io } from '../program.ts'

export interface AccessFlags {
  readonly namespace?: string
  readonly context?: string
  readonly kubeconfig?: string
}

export interface Access {
  readonly transport: Transport
  readonly namespace: string
}

/** Runs a command with a connection that is closed afterwards. */
export async function withAccess(
  { namespace, context, kubeconfig }: AccessFlags,
  command: (access: Access) => Promise<number>,
): Promise<number> {
  const transport = createTransport({
    userAgent: `ekya/${packageVersion}`,
    retries: 1,
    ...(context === undefined ? {} : { context }),
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
  })
  try {
    return await command({ transport, namespace: namespace ?? transport.namespace })
  } catch (error) {
    if (!isKindMissing(error)) throw error
    throw new Error(
      `this cluster does not know the kinds of ${apiVersion}; accepted: one in which the chart is installed, or crds/ applied (${error.message})`,
    )
  } finally {
    await transport.close()
  }
}

/** An object that is not there is named by the API server, a kind is not. */
const isKindMissing = (error: unknown): error is KubeError =>
  error instanceof KubeError && isNotFound(error) && !(error.body?.message ?? '').includes('" not found')

export interface Target {
  readonly kind: 'CameraStream' | 'RetrainingWindow'
  readonly name: string
}

const kinds: Readonly<Record<string, Target['kind']>> = {
  ...Object.fromEntries(
    ['stream', 'cam', 'camerastream', 'camerastreams'].map(word => [word, 'CameraStream']),
  ),
  ...Object.fromEntries(
    ['window', 'rw', 'retrainingwindow', 'retrainingwindows'].map(word => [word, 'RetrainingWindow']),
  ),
} as Readonly<Record<string, Target['kind']>>

/** `NAME` of a stream, `cam/NAME` or `rw/NAME`. @throws UsageError */
export function targetOf(text: string): Target {
  const [kind, name, ...more] = (text.includes('/') ? text.split('/') : ['cam', text]) as [string, string]
  if (
    more.length > 0 ||
    !Object.hasOwn(kinds, kind.toLowerCase()) ||
    !/^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$/.test(name)
  )
    throw new UsageError(
      `${JSON.stringify(text)} names nothing; accepted: the NAME of a CameraStream, cam/NAME, or rw/NAME for a RetrainingWindow`,
    )
  return { kind: kinds[kind.toLowerCase()]!, name }
}

export const resourceOf = ({ kind }: Target): Resource =>
  kind === 'CameraStream' ? cameraStreams : retrainingWindows

/** @throws an error that names those that there are where there is none of that name. */
export async function read<T extends CameraStream | RetrainingWindow>(
  { transport, namespace }: Access,
  target: Target,
): Promise<T> {
  try {
    return (await transport.get(resourceOf(target), { namespace, name: target.name })) as unknown as T
  } catch (error) {
    if (!isNotFound(error)) throw error
    const { items } = await transport.list<KubeObject>(resourceOf(target), { namespace })
    const names = items.map(({ metadata }) => metadata.name)
    throw new Error(
      `${target.kind} ${namespace}/${target.name}: there is none of that name; in ${namespace} there ${names.length === 0 ? 'is none at all' : `are ${names.slice(0, 20).join(', ')}${names.length > 20 ? ' …' : ''}`}`,
    )
  }
}

export const readStream = (access: Access, text: string): Promise<CameraStream> => {
  const target = targetOf(text)
  if (target.kind !== 'CameraStream')
    throw new UsageError(`${text} is a RetrainingWindow; accepted: the name of a CameraStream`)
  return read<CameraStream>(access, target)
}

/** The window that governs a stream, as its status says. */
export async function windowOf(access: Access, stream: CameraStream): Promise<RetrainingWindow | undefined> {
  const name = stream.status?.window?.name
  if (name === undefined) return undefined
  try {
    return await access.transport.get<RetrainingWindow & KubeObject>(retrainingWindows, {
      namespace: access.namespace,
      name,
    })
  } catch (error) {
    if (error instanceof KubeError && isNotFound(error)) return undefined
    throw error
  }
}

export const outputs = ['table', 'json', 'yaml'] as const
export type Output = (typeof outputs)[number]

export function outputOf(text: string): Output {
  const found = outputs.find(each => each === text)
  if (found === undefined)
    throw new UsageError(`--output ${JSON.stringify(text)} is not accepted; accepted: ${outputs.join(', ')}`)
  return found
}

export function print(io: Io, output: Output, value: unknown, lines: () => readonly string[]): void {
  io.stdout.write(
    output === 'json'
      ? `${JSON.stringify(value, null, 2)}\n`
      : output === 'yaml'
        ? stringify(value)
        : `${lines().join('\n')}\n`,
  )
}
