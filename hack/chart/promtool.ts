/**
 * The programs `promtool` and `prometheus`: from PATH, else from Debian's package `prometheus`, unpacked into the cache folder without
 * installing it (no service is started, no root is needed).
 */
import { constants } from 'node:fs'
import { access, chmod, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { arch, platform } from 'node:os'
import { delimiter, join } from 'node:path'
import { cacheDirectory } from '../control-plane/binaries.ts'
import { run } from '../control-plane/build.ts'
import { exists } from '../control-plane/built-programs.ts'
import { acquireFolderLock } from '../control-plane/folder-lock.ts'

type Program = 'promtool' | 'prometheus'

const advice = (name: Program): string =>
  `${name} is needed to test what is told to Prometheus: put it on PATH (it comes with Prometheus), or run on a system with apt-get, where it is unpacked from the package prometheus`

/** Path of the program. @throws Error with advice where there is none. */
export const ensurePromtool = (onProgress?: (line: string) => void, signal?: AbortSignal): Promise<string> =>
  ensure('promtool', onProgress, signal)

/** As ensurePromtool. */
export const ensurePrometheus = (
  onProgress?: (line: string) => void,
  signal?: AbortSignal,
): Promise<string> => ensure('prometheus', onProgress, signal)

async function ensure(
  name: Program,
  onProgress: (line: string) => void = () => {},
  signal?: AbortSignal,
): Promise<string> {
  const parent = join(cacheDirectory(), 'promtool')
  const folder = join(parent, `${platform()}-${arch()}`)
  const unpacked = join(folder, 'usr/bin', name)
  if (await exists(unpacked)) return unpacked
  for (const directory of (process.env.PATH ?? '').split(delimiter).filter(Boolean)) {
    const candidate = join(directory, name)
    if (
      await access(candidate, constants.X_OK).then(
        () => true,
        () => false,
      )
    )
      return candidate
  }
  await mkdir(parent, { recursive: true })
  const release = await acquireFolderLock(join(parent, '.lock'), {}, signal)
  try {
    if (await exists(unpacked)) return unpacked
    onProgress(`unpacking ${name} from the package prometheus into ${folder} (once) …`)
    const partial = await mkdtemp(join(parent, 'partial-'))
    try {
      // apt-get downloads as another user.
      await chmod(partial, 0o777)
      await download(partial, signal)
      const [archive] = (await readdir(partial)).filter(name => name.endsWith('.deb'))
      await run('dpkg-deb', ['-x', join(partial, archive!), join(partial, 'root')], { signal })
      await rename(join(partial, 'root'), folder)
    } finally {
      await rm(partial, { recursive: true, force: true })
    }
    return unpacked
  } catch (error) {
    signal?.throwIfAborted()
    throw new Error(`${advice(name)}: ${(error as Error).message}`, { cause: error })
  } finally {
    await release()
  }
}

async function download(folder: string, signal?: AbortSignal): Promise<void> {
  const once = () => run('apt-get', ['download', 'prometheus'], { cwd: folder, signal })
  try {
    await once()
  } catch {
    // A fresh machine has no lists of packages, or old ones.
    await run('apt-get', ['update'], { signal })
    await once()
  }
}
