/**
 * Measured curves, one file a kind of GPU and model: a curve is measured once, and outlives the agent. A file that cannot be read counts as
 * missing, and its curve is measured again.
 */
import { createHash } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ThroughputCurve } from '../inventory.ts'

export interface CurveBook {
  /** Of a kind of GPU, as nvidia-smi names it. */
  curve(gpuModel: string): ThroughputCurve | undefined
  load(gpuModel: string): Promise<void>
  /** @throws the system's error */
  keep(gpuModel: string, curve: ThroughputCurve): Promise<void>
}

/** @param trained what was trained: the bytes' digest of a model, or a name */
export function curveBook(folder: string, trained: string): CurveBook {
  const known = new Map<string, ThroughputCurve>()
  const file = (gpuModel: string): string => {
    const words = gpuModel.replaceAll(/[^A-Za-z0-9]+/g, '-')
    const digest = createHash('sha256').update(`${gpuModel}\0${trained}`).digest('hex').slice(0, 12)
    return join(folder, `${words}-${digest}.json`)
  }
  return {
    curve: gpuModel => known.get(gpuModel),
    async load(gpuModel) {
      try {
        const { curve } = JSON.parse(await readFile(file(gpuModel), 'utf8')) as { curve?: unknown }
        if (isCurve(curve)) known.set(gpuModel, curve)
      } catch {
        // Not measured yet.
      }
    },
    async keep(gpuModel, curve) {
      known.set(gpuModel, curve)
      await mkdir(folder, { recursive: true })
      const path = file(gpuModel)
      await writeFile(`${path}.part`, `${JSON.stringify({ gpu: gpuModel, trained, curve }, null, 1)}\n`)
      await rename(`${path}.part`, path)
    },
  }
}

function isCurve(value: unknown): value is ThroughputCurve {
  return (
    Array.isArray(value) &&
    value.length > 1 &&
    value.every(
      point => Array.isArray(point) && point.length === 2 && point.every(number => number > 0 && number <= 1),
    )
  )
}
