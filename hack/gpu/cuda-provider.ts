/**
 * ONNX Runtime's CUDA provider for Node: node hack/gpu/cuda-provider.ts
 *
 * The npm package has the runtime without it, and its install script, which would fetch it, is off (.npmrc). The Python package of the same
 * version has the same two libraries; they are taken out of it and put beside the runtime, here or in an image's folder. They are built for
 * CUDA 13 with cuDNN 9, which the machine or the base image must have.
 */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cacheDirectory } from '../control-plane/binaries.ts'
import { run } from '../control-plane/build.ts'
import { fetchWheel } from './wheels.ts'

export const providerLibraries = [
  'libonnxruntime_providers_cuda.so',
  'libonnxruntime_providers_shared.so',
] as const

/**
 * For the environment of what trains on CUDA. The runtime's Node binding gives results out in new memory each time; in large pages a training takes
 * a quarter less time (docs/gpu.md), where the machine gives them to who asks.
 */
export const largePages = { GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1' } as const

const packageName = 'onnxruntime-gpu'
/** The provider's library does not use Python: any version's package will do, as long as there is one. */
const python = ['--python-version', '3.12', '--implementation', 'cp']

const entry = createRequire(import.meta.url).resolve('onnxruntime-node')

/** Of the runtime that is installed; runtime and provider must be of one version. */
const runtimeVersion = (): string =>
  (JSON.parse(readFileSync(join(dirname(entry), '..', 'package.json'), 'utf8')) as { version: string })
    .version

/** Where the runtime looks for its providers. @param packageFolder a folder of the package onnxruntime-node */
export function librariesFolder(packageFolder: string = join(dirname(entry), '..')): string {
  const bin = join(packageFolder, 'bin')
  const [version] = existsSync(bin) ? readdirSync(bin) : []
  return join(bin, version ?? 'napi-v6', 'linux', 'x64')
}

/** What to do about a provider that is not there; undefined: it is. */
export function missingProvider(): string | undefined {
  const folder = librariesFolder()
  return providerLibraries.every(name => existsSync(join(folder, name)))
    ? undefined
    : 'the runtime has no CUDA provider: node hack/gpu/cuda-provider.ts fetches it (about 250 MB)'
}

/**
 * Puts the provider into `folder`, from the cache where it was fetched before.
 *
 * @throws Error what pip says, or on another processor than x64
 */
export async function installProvider(
  folder: string,
  onProgress: (line: string) => void = () => {},
): Promise<void> {
  const cached = join(cacheDirectory(), `cuda-provider-${runtimeVersion()}`)
  if (!providerLibraries.every(name => existsSync(join(cached, name))))
    await fetchProvider(cached, onProgress)
  mkdirSync(folder, { recursive: true })
  for (const name of providerLibraries) cpSync(join(cached, name), join(folder, name))
}

/** What is for CPUs alone has none, whatever was put beside the runtime that it is copied from. */
export function removeProvider(folder: string): void {
  for (const name of providerLibraries) rmSync(join(folder, name), { force: true })
}

async function fetchProvider(target: string, onProgress: (line: string) => void): Promise<void> {
  const version = runtimeVersion()
  onProgress(`fetching ${packageName} ${version} …`)
  const work = `${target}.${process.pid}`
  mkdirSync(work, { recursive: true })
  try {
    const wheel = await fetchWheel({ name: packageName, version, options: python }, work)
    // The standard library of whoever has pip unpacks it, flat.
    await run('python3', ['-c', unpack, wheel, work, ...providerLibraries])
    rmSync(wheel)
    rmSync(target, { recursive: true, force: true })
    renameSync(work, target)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

const unpack = `
import sys, zipfile, shutil, os
wheel, folder, *names = sys.argv[1:]
with zipfile.ZipFile(wheel) as archive:
    for name in names:
        with archive.open("onnxruntime/capi/" + name) as source, open(os.path.join(folder, name), "wb") as target:
            shutil.copyfileobj(source, target)
`

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = librariesFolder()
  await installProvider(folder, line => void process.stderr.write(`${line}\n`))
  process.stdout.write(`the CUDA provider of ONNX Runtime ${runtimeVersion()} is in ${folder}\n`)
}
