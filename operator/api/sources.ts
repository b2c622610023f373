/** Kinds of sources that a CameraStream may name, and which of them workers read. */
import type { Source } from './generated/types.ts'

const unread = ['rtsp', 'video'] as const

/** Why no worker can read the source: such a stream takes no part in a window and gets no pod. */
export function sourceProblem(source: Source): string | undefined {
  const kind = unread.find(each => source[each] !== undefined)
  return kind === undefined
    ? undefined
    : `spec.source.${kind}: workers cannot read such a source yet; accepted: samples, scene`
}
