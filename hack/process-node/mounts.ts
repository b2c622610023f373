/**
 * hostPath volumes that are mounted elsewhere than at their own path: the container's process gets a mount namespace of its own, as root
 * can give it. A mount point that is not there is made on the machine and stays, empty.
 */
import { spawnSync } from 'node:child_process'
import type { ContainerSpec, Volume } from './pod.ts'

export interface Mount {
  /** On the machine. */
  readonly source: string
  /** As the process sees it. */
  readonly target: string
}

const trim = (path: string): string => path.replace(/(?<=.)\/+$/, '')

/** Those for which the machine's own paths do not do. */
export function mountsElsewhere(container: ContainerSpec, volumes: readonly Volume[]): readonly Mount[] {
  return (container.volumeMounts ?? []).flatMap(({ name, mountPath }) => {
    const source = volumes.find(volume => volume.name === name)?.hostPath?.path
    return source === undefined || trim(source) === trim(mountPath)
      ? []
      : [{ source: trim(source), target: trim(mountPath) }]
  })
}

// "$@" is: number of mounts, source and target of each, then the command. exec keeps the process' number.
const script = `set -e
left=$1; shift
while [ "$left" -gt 0 ]; do
  if [ -d "$1" ]; then mkdir -p "$2"; else mkdir -p "$(dirname "$2")"; [ -e "$2" ] || : >"$2"; fi
  mount --bind "$1" "$2"
  shift 2; left=$((left - 1))
done
exec "$@"`

/** The command line that makes the mounts for itself alone before it becomes the given one. */
export function withMounts(mounts: readonly Mount[], command: readonly string[]): readonly string[] {
  if (mounts.length === 0) return command
  const pairs = mounts.flatMap(({ source, target }) => [source, target])
  const inside = ['sh', '-c', script, 'sh', String(mounts.length), ...pairs, ...command]
  return ['unshare', '--mount', '--propagation', 'private', '--', ...inside]
}

let possible: boolean | undefined

/** Whether this process may give a child a mount namespace; looked at once. */
export function canMountElsewhere(): boolean {
  possible ??= spawnSync('unshare', ['--mount', '--propagation', 'private', '--', 'true']).status === 0
  return possible
}
