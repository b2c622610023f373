/**
 * Where the cpu control groups of this process are. Containers often show only a part of the tree, hence both the mount and the
 * process's own group are looked at.
 */
import { accessSync, constants, existsSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'

export interface CgroupMounts {
  /** Folders of this process's own groups. */
  readonly v1?: { readonly cpu: string; readonly cpuacct: string }
  /** Folder under which groups can be made. */
  readonly v2?: string
}

export function cgroupMounts(
  mountinfo = readProc('/proc/self/mountinfo'),
  ownGroups = readProc('/proc/self/cgroup'),
): CgroupMounts {
  const mounts = parseMountinfo(mountinfo)
  const own = parseOwnGroups(ownGroups)
  const folderOf = (controller: string): string | undefined => {
    const mount = mounts.find(({ type, options }) => type === 'cgroup' && options.includes(controller))
    if (!mount) return undefined
    return within(mount, own.find(({ controllers }) => controllers.includes(controller))?.path ?? '/')
  }
  const cpu = folderOf('cpu')
  const cpuacct = folderOf('cpuacct')
  const unified = mounts.find(({ type }) => type === 'cgroup2')
  const v2 =
    unified &&
    v2Parent(
      unified.point,
      within(unified, own.find(({ controllers }) => controllers.length === 0)?.path ?? '/'),
    )
  return { ...(cpu && cpuacct ? { v1: { cpu, cpuacct } } : {}), ...(v2 ? { v2 } : {}) }
}

/**
 * A group that has processes cannot hand controllers down, except the root; so the root is the place where we may write there,
 * and our own group only where it is the root of what we see.
 */
function v2Parent(mount: string, own: string): string | undefined {
  for (const folder of new Set([mount, own])) {
    try {
      if (!readFileSync(join(folder, 'cgroup.controllers'), 'utf8').split(/\s+/).includes('cpu')) continue
      accessSync(folder, constants.W_OK)
      return folder
    } catch {
      // Not ours to use.
    }
  }
  return undefined
}

interface Mount {
  /** The group that the mount shows as its root. */
  readonly root: string
  readonly point: string
  readonly type: string
  readonly options: readonly string[]
}

function parseMountinfo(text: string): Mount[] {
  return text.split('\n').flatMap(line => {
    const [left, right] = line.split(' - ')
    const fields = left?.split(' ') ?? []
    const [type, , options] = right?.split(' ') ?? []
    if (!type?.startsWith('cgroup') || fields[3] === undefined || fields[4] === undefined) return []
    return [{ root: fields[3], point: fields[4], type, options: options?.split(',') ?? [] }]
  })
}

function parseOwnGroups(text: string): { controllers: string[]; path: string }[] {
  return text.split('\n').flatMap(line => {
    const match = /^\d+:([^:]*):(.*)$/.exec(line)
    return match ? [{ controllers: match[1]!.split(',').filter(name => name !== ''), path: match[2]! }] : []
  })
}

/** The group's folder below a mount; the mount itself when the group lies outside of what it shows. */
function within(mount: Mount, path: string): string {
  const below = relative(mount.root, path)
  const folder = below.startsWith('..') ? mount.point : join(mount.point, below)
  return existsSync(folder) ? folder : mount.point
}

function readProc(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
