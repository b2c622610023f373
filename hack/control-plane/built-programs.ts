/**
 * Programs in the cache folder that are built at first use.
 *
 * Each is built beside its place and renamed into it, so that an interrupted build leaves whole programs or none, and the next one goes on
 * where it stopped. A lock keeps two builds apart; the second finds what the first has built.
 */
import { access, mkdir, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { acquireFolderLock } from './folder-lock.ts'

export interface ProgramBuild {
  readonly directory: string
  readonly names: readonly string[]
  /** Another process builds. */
  readonly onWait: () => void
  /** Before the first is built. */
  readonly onMissing: (names: readonly string[]) => void
  /** Writes the program to the path. */
  build(name: string, path: string): Promise<void>
}

/** Builds those of the programs that the folder lacks. @throws what a build throws */
export async function addMissingPrograms(
  { directory, names, onWait, onMissing, build }: ProgramBuild,
  signal?: AbortSignal,
): Promise<void> {
  await mkdir(directory, { recursive: true })
  const release = await acquireFolderLock(join(directory, '.lock'), { onWait }, signal)
  try {
    for (const entry of await readdir(directory))
      if (entry.endsWith('.partial')) await rm(join(directory, entry), { force: true })
    const missing: string[] = []
    for (const name of names) if (!(await exists(join(directory, name)))) missing.push(name)
    if (missing.length > 0) onMissing(missing)
    for (const name of missing) {
      const partial = join(directory, `${name}.partial`)
      try {
        await build(name, partial)
        await rename(partial, join(directory, name))
      } finally {
        await rm(partial, { force: true })
      }
    }
  } finally {
    await release()
  }
}

export async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
