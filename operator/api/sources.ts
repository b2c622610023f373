/** Of the kinds of sources that a CameraStream may name, those that workers read: the contract's `Source`. */
import type { Source } from './generated/types.ts'
import type { Source as WorkerSource } from './worker.ts'

/** What a worker is told of a source; undefined where none can read it. */
export function readableSource({ samples, scene }: Source): WorkerSource | undefined {
  if (samples !== undefined) return { samples }
  return scene === undefined ? undefined : { scene }
}

/** Why no worker can read the source: such a stream takes no part in a window and gets no pod. */
export function sourceProblem(source: Source): string | undefined {
  return readableSource(source) === undefined
    ? `spec.source.${Object.keys(source)[0]}: workers cannot read such a source yet; accepted: samples, scene`
    : undefined
}
