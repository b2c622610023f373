/** The saved state of an unfinished training: one file per window below the stream's checkpoint folder, whole or not at all. */
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { checkpointFolder } from '../../operator/api/storage.ts'
import { decodeCheckpoint, encodeCheckpoint } from '../learning/checkpoint.ts'
import type { Checkpoint } from '../learning/training.ts'
import { writeAtomically } from '../models/store.ts'

export interface CheckpointFile {
  /** undefined where there is none; a damaged one counts as none and is reported. */
  read(onDamaged: (error: unknown) => void): Promise<Checkpoint | undefined>
  /** @throws ModelError StorageFailed */
  write(checkpoint: Checkpoint): Promise<void>
  /** The training is over: its state and that of earlier windows is of no use. */
  clear(): Promise<void>
}

export interface CheckpointOwner {
  readonly storage: string
  readonly namespace: string
  readonly stream: string
  readonly window: number
}

const suffix = '.ckpt'

export function checkpointFile({ storage, namespace, stream, window }: CheckpointOwner): CheckpointFile {
  const folder = join(storage, checkpointFolder(namespace, stream))
  const file = join(folder, `${window}${suffix}`)
  return {
    async read(onDamaged) {
      const bytes = await readFile(file).catch(() => undefined)
      if (bytes === undefined) return undefined
      try {
        return decodeCheckpoint(bytes)
      } catch (error) {
        onDamaged(error)
        return undefined
      }
    },
    write: checkpoint => writeAtomically(file, encodeCheckpoint(checkpoint)),
    async clear() {
      for (const name of await readdir(folder).catch(() => [])) {
        const index = Number(name.slice(0, -suffix.length))
        if (name.endsWith(suffix) && index <= window) await rm(join(folder, name), { force: true })
      }
    },
  }
}
