/**
 * Which pod an MPS client is, and what share it was started with: from /proc, which shows the node's processes to an agent with `hostPID`.
 *
 * The share is what the process was told, and CUDA takes it only once, at its start; so it cannot differ from what holds.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { mpsVariables } from '../../operator/api/mps-client.ts'

export interface ClientProcess {
  /** Uid of its pod; undefined: it is in none. */
  readonly podUid: string | undefined
  /** Fraction of the GPU; undefined: not told, so all of it. */
  readonly share: number | undefined
}

/** Nothing is known of a process that has ended. */
export async function clientProcess(pid: number, proc = '/proc'): Promise<ClientProcess> {
  const read = (file: string) => readFile(join(proc, String(pid), file), 'utf8').catch(() => '')
  const [cgroup, environ] = await Promise.all([read('cgroup'), read('environ')])
  return { podUid: podUidOf(cgroup), share: shareOf(environ) }
}

/** `…/kubepods-burstable-pod0e6e2c6b_….slice/…` under systemd, `…/kubepods/burstable/pod0e6e2c6b-…/…` under cgroupfs. */
export function podUidOf(cgroup: string): string | undefined {
  const [, uid] =
    /[/-]pod([0-9a-f]{8}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{12})/.exec(cgroup) ?? []
  return uid?.replaceAll('_', '-')
}

export function shareOf(environ: string): number | undefined {
  const prefix = `${mpsVariables.percentage}=`
  // The pod's own value stands behind the plugin's, and a program sees one of them: the runtime keeps the last.
  const value = environ
    .split('\0')
    .findLast(each => each.startsWith(prefix))
    ?.slice(prefix.length)
  const percentage = Number(value)
  return value !== undefined && percentage > 0 && percentage <= 100 ? percentage / 100 : undefined
}
