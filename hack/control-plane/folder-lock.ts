/**
 * A lock between processes, held as a file in a shared folder (two terminals, two test runs, two containers with one cache).
 *
 * The holder touches the file every few seconds; a file that has not been touched for `staleAfterMs` belongs to a process that was
 * killed, and is taken over. Process numbers decide nothing: they mean nothing across containers.
 */
import { open, rename, rm, stat, utimes } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'

export interface FolderLockOptions {
  readonly staleAfterMs?: number
  readonly pollMs?: number
  /** Called once when somebody else holds the lock. */
  readonly onWait?: () => void
}

/** Resolves with the function that releases the lock. */
export async function acquireFolderLock(
  path: string,
  { staleAfterMs = 30_000, pollMs = 500, onWait }: FolderLockOptions = {},
  signal?: AbortSignal,
): Promise<() => Promise<void>> {
  let waited = false
  for (;;) {
    signal?.throwIfAborted()
    try {
      const file = await open(path, 'wx')
      await file.close()
      break
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    const age = await ageMs(path)
    if (age !== undefined && age > staleAfterMs) {
      // Renaming first makes sure that only one of several waiters removes the stale lock, and never a fresh one.
      const stale = `${path}.stale-${process.pid}`
      await rename(path, stale).catch(() => {})
      await rm(stale, { force: true })
      continue
    }
    if (!waited) onWait?.()
    waited = true
    await delay(pollMs, undefined, signal ? { signal } : {})
  }
  const timer = setInterval(() => {
    const instant = new Date()
    utimes(path, instant, instant).catch(() => {})
  }, staleAfterMs / 6)
  timer.unref()
  return async () => {
    clearInterval(timer)
    await rm(path, { force: true })
  }
}

async function ageMs(path: string): Promise<number | undefined> {
  try {
    return Date.now() - (await stat(path)).mtimeMs
  } catch {
    return undefined
  }
}
