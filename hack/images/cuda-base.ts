/**
 * CUDA 13 and cuDNN 9 for a base image where none with them can be pulled, out of NVIDIA's Python packages: the libraries that ONNX
 * Runtime's CUDA provider is linked with or opens for convolutions and matrix products. cuFFT, which it opens for Fourier transforms, is
 * left out: no model of ours has one. The driver's own libcuda.so.1 comes from the node.
 */
import { cpSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { cacheDirectory } from '../control-plane/binaries.ts'
import { run } from '../control-plane/build.ts'
import { fetchWheel } from '../gpu/wheels.ts'

/** For amd64. */
const packages: Readonly<Record<string, string>> = {
  'nvidia-cublas': '13.10.0.20',
  'nvidia-cuda-nvrtc': '13.5.37',
  'nvidia-cuda-runtime': '13.5.37',
  'nvidia-cudnn-cu13': '9.28.1.4',
  'nvidia-curand': '10.4.5.25',
}

/** What NVIDIA's own images tell the container toolkit. */
export const cudaEnvironment = 'NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility'

/** The folder with the libraries, from the cache where they were fetched before (1.1 GB). @throws Error what pip says */
export async function cudaLibraries(onProgress: (line: string) => void = () => {}): Promise<string> {
  const cached = join(cacheDirectory(), `cuda-${Object.values(packages).join('-')}`)
  if (existsSync(cached)) return cached
  const work = `${cached}.${process.pid}`
  mkdirSync(join(work, 'libraries'), { recursive: true })
  try {
    for (const [name, version] of Object.entries(packages)) {
      onProgress(`fetching ${name} ${version} …`)
      const wheel = await fetchWheel({ name, version }, work)
      await run('python3', ['-c', unpack, wheel, join(work, 'libraries')])
      rmSync(wheel)
    }
    renameSync(join(work, 'libraries'), cached)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
  return cached
}

/** Puts them where the loader looks without being told. */
export function addCuda(libraries: string, root: string): void {
  const folder = join(root, 'usr/lib/x86_64-linux-gnu')
  mkdirSync(folder, { recursive: true })
  for (const name of readdirSync(libraries)) cpSync(join(libraries, name), join(folder, name))
  // The name by which the provider asks first.
  symlinkSync('libcudnn.so.9', join(folder, 'libcudnn.so'))
}

/** Whoever has pip has its zipfile, too; nvBLAS is for programs that know nothing of CUDA. */
const unpack = `
import sys, zipfile, shutil, os
wheel, folder = sys.argv[1:]
with zipfile.ZipFile(wheel) as archive:
    for name in archive.namelist():
        file = os.path.basename(name)
        if "/lib/" in name and ".so" in file and not file.startswith("libnvblas"):
            with archive.open(name) as source, open(os.path.join(folder, file), "wb") as target:
                shutil.copyfileobj(source, target)
`
