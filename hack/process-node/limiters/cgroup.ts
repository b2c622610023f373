/**
 * cpu limits by control groups, version 1 (`cpu` and `cpuacct` hierarchies) or 2 (unified), where this process may make groups.
 *
 *   <mount>/<our own group>/<node>/<pod uid>_<container>
 *
 * The node's group gets the weight of the whole node, so that its pods compete with the rest of the machine as they would on a kubelet.
 */
import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { processGuard } from '../../control-plane/guard.ts'
import { type CgroupMounts, cgroupMounts } from './cgroup-mounts.ts'
import {
  bandwidth,
  type CpuGroup,
  type CpuLimit,
  type CpuLimiter,
  cpuShares,
  cpuWeight,
  LimiterError,
} from './limiter.ts'

/** @throws LimiterError `unavailable` with the reason, when groups cannot be made or do not limit. */
export function cgroupLimiter(name: string, cpus: number, mounts: CgroupMounts = cgroupMounts()): CpuLimiter {
  const problems: string[] = []
  for (const version of [
    mounts.v1 && new Version1(mounts.v1, name),
    mounts.v2 && new Version2(mounts.v2, name),
  ]) {
    if (!version) continue
    try {
      return new CgroupLimiter(version, cpus)
    } catch (error) {
      problems.push(`${version.kind}: ${(error as Error).message}`)
    }
  }
  const reason = problems.length > 0 ? problems.join('; ') : 'no hierarchy with a cpu controller is mounted'
  throw new LimiterError('unavailable', `Control groups cannot limit cpu here: ${reason}`)
}

/** The files in which the two versions differ. Every path is a folder of a group. */
interface Version {
  readonly kind: 'cgroup-v1' | 'cgroup-v2'
  /** The node's group in each hierarchy that is used. */
  readonly roots: readonly string[]
  /** Makes the node's groups, ready to hold children. */
  open(): void
  setLimit(group: string, limit: CpuLimit): void
  usedSeconds(groups: readonly string[]): number
}

class Version1 implements Version {
  readonly kind = 'cgroup-v1'
  readonly roots: readonly string[]

  constructor(mounts: { readonly cpu: string; readonly cpuacct: string }, name: string) {
    // The two controllers are often mounted together.
    this.roots = [...new Set([join(mounts.cpu, name), join(mounts.cpuacct, name)])]
  }

  open(): void {
    for (const root of this.roots) mkdirSync(root, { recursive: true })
  }

  setLimit(group: string, { cores, requestedCores }: CpuLimit): void {
    writeFileSync(join(group, 'cpu.shares'), String(cpuShares(requestedCores)))
    if (cores === undefined) {
      writeFileSync(join(group, 'cpu.cfs_quota_us'), '-1')
      return
    }
    const { quotaMicros, periodMicros } = bandwidth(cores)
    // The period first would, for a moment, ask for a quota below the least one when a tiny limit grows.
    const period = join(group, 'cpu.cfs_period_us')
    const quota = join(group, 'cpu.cfs_quota_us')
    if (Number(readFileSync(period, 'utf8')) !== periodMicros) {
      writeFileSync(quota, '-1')
      writeFileSync(period, String(periodMicros))
    }
    writeFileSync(quota, String(quotaMicros))
  }

  usedSeconds(groups: readonly string[]): number {
    return Number(readFileSync(join(groups.at(-1)!, 'cpuacct.usage'), 'utf8')) / 1e9
  }
}

class Version2 implements Version {
  readonly kind = 'cgroup-v2'
  readonly roots: readonly string[]
  readonly #parent: string

  constructor(mount: string, name: string) {
    this.#parent = mount
    this.roots = [join(mount, name)]
  }

  open(): void {
    const root = this.roots[0]!
    enableCpu(this.#parent)
    mkdirSync(root, { recursive: true })
    enableCpu(root)
  }

  setLimit(group: string, { cores, requestedCores }: CpuLimit): void {
    writeFileSync(join(group, 'cpu.weight'), String(cpuWeight(requestedCores)))
    if (cores === undefined) {
      writeFileSync(join(group, 'cpu.max'), 'max')
      return
    }
    const { quotaMicros, periodMicros } = bandwidth(cores)
    writeFileSync(join(group, 'cpu.max'), `${quotaMicros} ${periodMicros}`)
  }

  usedSeconds(groups: readonly string[]): number {
    const micros = /^usage_usec (\d+)$/m.exec(readFileSync(join(groups[0]!, 'cpu.stat'), 'utf8'))?.[1]
    return Number(micros ?? 0) / 1e6
  }
}

/** Children of a group have a cpu controller only when the group hands it down. */
function enableCpu(group: string): void {
  const control = join(group, 'cgroup.subtree_control')
  if (readFileSync(control, 'utf8').split(/\s+/).includes('cpu')) return
  writeFileSync(control, '+cpu')
}

class CgroupLimiter implements CpuLimiter {
  readonly kind: Version['kind']
  readonly #version: Version

  constructor(version: Version, cpus: number) {
    this.#version = version
    this.kind = version.kind
    for (const root of version.roots) removeTreeNow(root)
    version.open()
    for (const root of version.roots) processGuard().watchCgroup(root)
    try {
      version.setLimit(version.roots[0]!, { requestedCores: cpus })
      const probe = this.group('probe', { cores: 0.5, requestedCores: 0.5 })
      probe.usedSeconds()
      removeTreeNow(join(version.roots[0]!, 'probe'))
      for (const root of version.roots) removeTreeNow(join(root, 'probe'))
    } catch (error) {
      for (const root of version.roots) removeTreeNow(root)
      throw error
    }
  }

  group(id: string, limit: CpuLimit): CpuGroup {
    const folders = this.#version.roots.map(root => join(root, id))
    for (const folder of folders) mkdirSync(folder, { recursive: true })
    this.#version.setLimit(folders[0]!, limit)
    return new Cgroup(this.#version, folders)
  }

  async close(): Promise<void> {
    for (const root of this.#version.roots) {
      await removeTree(root)
      processGuard().forgetCgroup(root)
    }
  }
}

class Cgroup implements CpuGroup {
  readonly #version: Version
  readonly #folders: readonly string[]
  #lastUsed = 0

  constructor(version: Version, folders: readonly string[]) {
    this.#version = version
    this.#folders = folders
  }

  enter(command: readonly string[]): readonly string[] {
    const joins = this.#folders.map((_, index) => `echo $$ > "$${index + 1}/cgroup.procs"`).join(' && ')
    const script = `${joins} && shift ${this.#folders.length} && exec "$@"`
    return ['/bin/sh', '-c', script, 'sh', ...this.#folders, ...command]
  }

  attach(): void {}

  setLimit(limit: CpuLimit): void {
    this.#version.setLimit(this.#folders[0]!, limit)
  }

  usedSeconds(): number {
    try {
      this.#lastUsed = this.#version.usedSeconds(this.#folders)
    } catch {
      // Closed: the last known value stays.
    }
    return this.#lastUsed
  }

  kill(): void {
    for (const folder of this.#folders) killMembers(folder)
  }

  async close(): Promise<void> {
    this.usedSeconds()
    for (const folder of this.#folders) await removeTree(folder)
  }
}

function killMembers(folder: string): void {
  let members: string
  try {
    members = readFileSync(join(folder, 'cgroup.procs'), 'utf8')
  } catch {
    return
  }
  // 0 stands for a process that is not visible from here, and as an argument of kill for our own group.
  for (const pid of members.split('\n').filter(line => line !== '' && line !== '0')) {
    try {
      process.kill(Number(pid), 'SIGKILL')
    } catch {
      // Already gone.
    }
  }
}

/** Removes a group and all below it; false while a member is still dying. */
function removeTreeNow(folder: string): boolean {
  let entries: string[]
  try {
    entries = readdirSync(folder, { withFileTypes: true })
      .filter(entry => entry.isDirectory())
      .map(entry => entry.name)
  } catch {
    return true
  }
  const emptied = entries.map(entry => removeTreeNow(join(folder, entry))).every(done => done)
  killMembers(folder)
  try {
    if (emptied) rmdirSync(folder)
    return emptied
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT'
  }
}

async function removeTree(folder: string): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    if (removeTreeNow(folder)) return
    await delay(20)
  }
}
