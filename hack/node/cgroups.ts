/**
 * The control group below which all pods of a node are, in every hierarchy of version 1 or the one of version 2.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { processGuard } from '../control-plane/guard.ts'

const mount = '/sys/fs/cgroup'

export interface NodeCgroup {
  /** For kubelet's `cgroupRoot`. */
  readonly path: string
  readonly version: 1 | 2
  /** Removes the groups; their processes are gone already. */
  close(): Promise<void>
}

export function openCgroup(name: string): NodeCgroup {
  const version = existsSync(join(mount, 'cgroup.controllers')) ? 2 : 1
  const folders = version === 2 ? [join(mount, name)] : versionOneFolders(name)
  for (const folder of folders) {
    mkdirSync(folder, { recursive: true })
    processGuard().watchCgroup(folder)
    if (version === 1) inheritCpuset(folder)
  }
  if (version === 2) {
    handDown(mount)
    handDown(folders[0]!)
  }
  return {
    path: `/${name}`,
    version,
    async close() {
      for (const folder of folders) {
        await removeTree(folder)
        processGuard().forgetCgroup(folder)
      }
    },
  }
}

/** Controllers mounted together are one folder and links to it; making the group twice does no harm. */
function versionOneFolders(name: string): string[] {
  return readdirSync(mount, { withFileTypes: true })
    .filter(entry => entry.isDirectory())
    .map(entry => join(mount, entry.name, name))
}

/** A new cpuset of version 1 is empty, and nothing can run in it. */
function inheritCpuset(folder: string): void {
  for (const file of ['cpuset.cpus', 'cpuset.mems']) {
    if (existsSync(join(folder, file)))
      writeFileSync(join(folder, file), readFileSync(join(folder, '..', file), 'utf8').trim())
  }
}

/**
 * What is in the group comes before everything outside it where both want cpu time, as on a machine of its own; limits hold as ever.
 */
export function preferCgroup({ path, version }: Pick<NodeCgroup, 'path' | 'version'>): void {
  const [folder, file, most] =
    version === 2 ? [mount, 'cpu.weight', '10000'] : [join(mount, 'cpu'), 'cpu.shares', '262144']
  writeFileSync(join(folder, path, file), most)
}

function handDown(folder: string): void {
  const controllers = readFileSync(join(folder, 'cgroup.controllers'), 'utf8').trim().split(/\s+/)
  for (const controller of controllers) {
    if (controller !== '') writeFileSync(join(folder, 'cgroup.subtree_control'), `+${controller}`)
  }
}

function removed(folder: string): boolean {
  try {
    for (const entry of readdirSync(folder, { withFileTypes: true }))
      if (entry.isDirectory()) removed(join(folder, entry.name))
    rmdirSync(folder)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT'
  }
}

async function removeTree(folder: string): Promise<void> {
  for (let attempt = 0; attempt < 100 && !removed(folder); attempt++) await delay(20)
}
