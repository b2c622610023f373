/**
 * Where things lie below the storage root. Paths are relative, with forward slashes; nothing else may build such a path.
 *
 *   samples/<namespace>/<stream>/<window>/   frames.csv (what was served), labels.csv (golden labels, samplelist form), images, summary.json
 *   models/<namespace>/<stream>/             <sha256>.onnx and manifest.json
 *   checkpoints/<namespace>/<stream>/        state of an unfinished training
 */

export const samplesFolder = (namespace: string, stream: string, window: number): string =>
  `samples/${namespace}/${stream}/${window}`

export const modelsFolder = (namespace: string, stream: string): string => `models/${namespace}/${stream}`

export const modelFile = (namespace: string, stream: string, digest: string): string =>
  `${modelsFolder(namespace, stream)}/${digest}.onnx`

export const checkpointFolder = (namespace: string, stream: string): string =>
  `checkpoints/${namespace}/${stream}`

/** What was offered and served: one row per kept frame. Written by the inference pod as it goes. */
export const framesList = 'frames.csv'
/** Columns of frames.csv: running number, frame number in the window, image file, class served, 1 if this very frame was analysed, the source's own label (empty if it has none). */
export const framesColumns = ['idx', 'frame', 'imgpath', 'served', 'fresh', 'class'] as const
/** Golden labels in Ekya's samplelist form (idx,class,x0,y0,x1,y1,imgpath), written by the profile pod. */
export const labelsList = 'labels.csv'
/** FrameCounts and gpuSecondsPerFrame of the window, kept up to date by the inference pod; `complete` once the window has ended. */
export const summaryFile = 'summary.json'
