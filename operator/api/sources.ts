/** Of the kinds of sources that a CameraStream may name, those that workers read: the contract's `Source`. */
import type { Source } from './generated/types.ts'
import type { Source as WorkerSource } from './worker.ts'

/** What a worker is told of a source; undefined where none can read it. */
export function readableSource({ samples, scene }: Source): WorkerSource | undefined {
  if (samples) return { samples }
  return scene ? { scene } : undefined
}

/** Why no worker can read the source: such a stream takes no part in a window and gets no pod. */
export function sourceProblem(source: Source): string | undefined {
  if (readableSource(source) !== undefined) return undefined
  // A manifest may have a kind that is null, which counts as absent.
  const [kind] = Object.entries(source).find(([, value]) => value) ?? []
  return `spec.source.${kind}: workers cannot read such a source yet; accepted: samples, scene`
}
