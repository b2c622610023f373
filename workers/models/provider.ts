/** Whether the runtime here has CUDA: its provider library is no part of the npm package and is put beside it where GPUs are. */
import { existsSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { InferenceSession } from 'onnxruntime-node'
import { encodeModel, floatValue, model, node } from './onnx.ts'
import type { Provider } from './session.ts'

export interface ProviderChoice {
  readonly provider: Provider
  /** In words, for the log. */
  readonly reason: string
}

/** Opens a session by CUDA alone and closes it again; rejects where that cannot be. */
type Probe = () => Promise<void>

/** @param wanted cuda falls back to cpu, with the reason, where the runtime cannot have it */
export async function chooseProvider(wanted: Provider, probe: Probe = probeOnce): Promise<ProviderChoice> {
  if (wanted === 'cpu') return { provider: 'cpu', reason: 'the device is a CPU' }
  try {
    await probe()
    return { provider: 'cuda', reason: 'the runtime has CUDA' }
  } catch (error) {
    const [why] = (error as Error).message.split('\n')
    return { provider: 'cpu', reason: `the runtime has no CUDA: ${why}` }
  }
}

let probed: Promise<void> | undefined
const probeOnce: Probe = () => {
  probed ??= openByCuda()
  return probed
}

/** Files beside the runtime's own library. */
function libraries(): string[] {
  const entry = createRequire(import.meta.url).resolve('onnxruntime-node')
  const folder = join(dirname(entry), '..', 'bin', 'napi-v6', process.platform, process.arch)
  return existsSync(folder) ? readdirSync(folder) : []
}

async function openByCuda(): Promise<void> {
  // Without this the runtime complains on stderr, whatever its log level is.
  if (!libraries().some(file => file.includes('providers_cuda')))
    throw new Error('its provider library is not there')
  const graph = {
    name: 'probe',
    node: [node('Neg', ['x'], ['y'])],
    initializer: [],
    input: [floatValue('x', [1])],
    output: [floatValue('y', [1])],
  }
  const session = await InferenceSession.create(encodeModel(model(graph)), {
    executionProviders: ['cuda'],
    // The failure is the answer, and no news.
    logSeverityLevel: 4,
  })
  await session.release()
}
