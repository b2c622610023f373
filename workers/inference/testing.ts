/** Inference workers in this process, on models of a kilobyte, for tests; they end with their test. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { InferenceStatus, InferenceWorkerConfig } from '../../operator/api/worker.ts'
import { smallCnn } from '../models/architectures/small-cnn.ts'
import { temporaryFolder } from '../runtime/testing/temporary-folder.ts'
import { type RunningWorker, startWorker } from '../runtime/testing/worker-harness.ts'
import { InferenceWorker } from './worker.ts'

const classes = ['car', 'truck', 'bus', 'bicycle', 'pedestrian', 'dog']
export const tiny = (seed: number, count = classes.length) =>
  smallCnn({ classes: count, seed, widths: [8], shape: { channels: 3, height: 16, width: 16 } })

/** To be called in a suite. */
export function inferenceWorkers() {
  const folder = temporaryFolder()
  const running: RunningWorker[] = []

  before(async () => {
    const models = join(folder.path, 'models')
    await mkdir(models)
    await writeFile(join(models, 'a.onnx'), tiny(1))
    await writeFile(join(models, 'b.onnx'), tiny(2))
    await writeFile(join(models, 'three.onnx'), tiny(3, 3))
    await writeFile(join(models, 'seven.onnx'), tiny(3, 7))
    await writeFile(join(models, 'torn.onnx'), tiny(4).subarray(0, 900))
  })
  afterEach(async () => {
    for (const worker of running) worker.terminate()
    await Promise.all(running.splice(0).map(({ ended }) => ended))
  })

  const start = async (change: Partial<InferenceWorkerConfig> = {}): Promise<RunningWorker> => {
    const config: InferenceWorkerConfig = {
      role: 'inference',
      namespace: 'default',
      stream: 'cam-0',
      classes,
      storage: folder.path,
      device: { kind: 'cpu', cores: 1 },
      seed: 1,
      source: { scene: { seed: 1 } },
      frameRate: 50,
      model: { uri: 'models/a.onnx' },
      configuration: { name: 'full', frameInterval: 1, resolutionScale: 1 },
      ...change,
    }
    const worker = await startWorker(
      'inference',
      config,
      context => new InferenceWorker(context),
      folder.path,
    )
    running.push(worker)
    return worker
  }
  const ready = (worker: RunningWorker) => worker.until<{ ready: boolean }>('/readyz', body => body.ready)
  const status = async (worker: RunningWorker) => (await worker.get<InferenceStatus>('/status')).body
  const offered = (worker: RunningWorker, count: number) =>
    worker.until<InferenceStatus>('/status', ({ frames }) => frames.offered >= count)

  return { folder, start, ready, status, offered }
}
