/**
 * Base images out of this machine's files, for tests where none can be pulled: a Node image (the Node that runs this) and a base with the
 * libraries that it and the native packages need, certificates and a static shell. For this machine's processor only.
 */
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { run } from '../control-plane/build.ts'
import { addCuda, cudaEnvironment } from './cuda-base.ts'

/**
 * Writes `node/Containerfile` and `base/Containerfile` with their files below `folder`.
 *
 * @param cuda a folder of CUDA libraries for the base (cuda-base.ts)
 */
export async function writeBaseContexts(
  folder: string,
  nativeFiles: readonly string[],
  cuda?: string,
): Promise<void> {
  const node = join(folder, 'node')
  const base = join(folder, 'base')
  copy(realpathSync(process.execPath), join(node, 'root/usr/local/bin/node'))
  for (const library of await librariesOf([process.execPath, ...nativeFiles], cuda)) {
    copy(realpathSync(library), join(base, 'root', library))
  }
  if (cuda !== undefined) addCuda(cuda, join(base, 'root'))
  copy('/bin/busybox', join(base, 'root/bin/busybox'))
  symlinkSync('busybox', join(base, 'root/bin/sh'))
  writeCertificates(join(base, 'root'))
  writeAccounts(join(base, 'root'))
  for (const context of [node, base])
    writeFileSync(join(context, 'Containerfile'), 'FROM scratch\nCOPY root /\n')
  if (cuda !== undefined) appendFileSync(join(base, 'Containerfile'), `ENV ${cudaEnvironment}\n`)
}

/** This machine's, the same for every processor; none where it has none. */
export function writeCertificates(root: string): void {
  const certificates = '/etc/ssl/certs/ca-certificates.crt'
  if (existsSync(certificates)) copy(realpathSync(certificates), join(root, certificates))
}

/** The images' user, and a folder for temporary files. */
export function writeAccounts(root: string): void {
  mkdirSync(join(root, 'etc'), { recursive: true })
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0::/:/bin/sh\nekya:x:65532:65532::/:/bin/sh\n')
  writeFileSync(join(root, 'etc/group'), 'root:x:0:\nekya:x:65532:\n')
  mkdirSync(join(root, 'tmp'), { mode: 0o1777, recursive: true })
}

/** Shared libraries and the loader of these programs, as `ldd` finds them; those that packages or `cuda` bring along are left out. */
async function librariesOf(files: readonly string[], cuda?: string): Promise<string[]> {
  const found = new Set<string>()
  const ofCuda = cuda === undefined ? [] : readdirSync(cuda).map(name => join(cuda, name))
  const env = { ...process.env, ...(cuda === undefined ? {} : { LD_LIBRARY_PATH: cuda }) }
  for (const file of [...files, ...ofCuda]) {
    const output = await run('ldd', [file], { env })
    for (const [, path] of output.matchAll(/(?:=>|^)\s*(\/\S+)/gm)) {
      if (!path!.includes('/node_modules/') && !ofCuda.includes(path!)) found.add(path!)
    }
  }
  return [...found].sort()
}

function copy(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true })
  cpSync(from, to)
}
