/**
 * The helper behind guard.ts: reads what to clean up from standard input, one JSON array a line, and cleans up when it closes.
 */
import { readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const groups = new Set<number>()
const paths = new Set<string>()
const cgroups = new Set<string>()

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})

createInterface({ input: process.stdin })
  .on('line', line => {
    const [verb, value = ''] = JSON.parse(line) as string[]
    if (verb === 'watch-group') groups.add(Number(value))
    else if (verb === 'forget-group') groups.delete(Number(value))
    else if (verb === 'watch-path') paths.add(value)
    else if (verb === 'forget-path') paths.delete(value)
    else if (verb === 'watch-cgroup') cgroups.add(value)
    else if (verb === 'forget-cgroup') cgroups.delete(value)
  })
  .on('close', () => {
    for (const group of groups) kill(-group)
    removeCgroups(100)
    // A killed process may still be writing its last file while the folder is removed, hence the retries.
    for (const path of paths) rmSync(path, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
  })

/** A group can be removed once its last process is gone, which takes a moment after the signal. */
function removeCgroups(attempts: number): void {
  const left = [...cgroups].filter(folder => !removeCgroup(folder))
  if (left.length > 0 && attempts > 0) setTimeout(() => removeCgroups(attempts - 1), 50)
}

function removeCgroup(folder: string): boolean {
  try {
    const children = readdirSync(folder, { withFileTypes: true }).filter(entry => entry.isDirectory())
    for (const child of children) removeCgroup(join(folder, child.name))
    for (const pid of readFileSync(join(folder, 'cgroup.procs'), 'utf8').split('\n'))
      if (pid !== '') kill(Number(pid))
    rmdirSync(folder)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT'
  }
}

function kill(pid: number): void {
  // 0 stands for a process that is not visible from here, and as an argument of kill for our own group.
  if (pid === 0) return
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // Already gone.
  }
}
