#!/usr/bin/env node
/**
 * `ekya-sm-count`: prints how many multiprocessors CUDA's first device gives to a process with this environment. Under MPS that is what the
 * process' share is worth; without, all that the GPU has.
 *
 * Only CUDA itself knows: no program of the driver tells. CUDA takes the share at its start, so this has to be a process of its own.
 * Exit status 0 and one number, or 1 and what is wrong on stderr.
 */
import koffi from 'koffi'

/** Where the driver's library is not found by its name. */
const library = process.env.EKYA_LIBCUDA || 'libcuda.so.1'
/** CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT */
const multiprocessorCount = 16

function count(): number {
  const cuda = load()
  const init = cuda.func('int cuInit(unsigned int flags)')
  const deviceGet = cuda.func('int cuDeviceGet(_Out_ int *device, int ordinal)')
  const attribute = cuda.func('int cuDeviceGetAttribute(_Out_ int *value, int attribute, int device)')
  const succeed = (call: string, status: number): void => {
    if (status !== 0) throw new Error(`${call} of ${library} failed with error ${status}`)
  }
  const [device, value] = [[0], [0]]
  succeed('cuInit', init(0))
  succeed('cuDeviceGet', deviceGet(device, 0))
  succeed('cuDeviceGetAttribute', attribute(value, multiprocessorCount, device[0]))
  return value[0]!
}

function load(): ReturnType<typeof koffi.load> {
  try {
    return koffi.load(library)
  } catch (cause) {
    throw new Error(`${library} cannot be loaded: ${(cause as Error).message}`, { cause })
  }
}

try {
  process.stdout.write(`${count()}\n`)
} catch (error) {
  process.stderr.write(`ekya-sm-count: ${(error as Error).message}\n`)
  process.exitCode = 1
}
