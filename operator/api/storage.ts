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

/**
 * What was offered and served: one row per kept frame. Written by the inference pod as it goes; pods of a later generation (from 2) write
 * `frames-<generation>.csv` and `summary-<generation>.json` beside it, and what was kept of the window is all of them together.
 */
export const framesList = 'frames.csv'
export const framesListOf = (generation: number): string =>
  generation === 1 ? framesList : `frames-${generation}.csv`
/**
 * Columns of frames.csv: running number, frame number in the window, image file, 1 if this very frame was analysed, class served, the source's own
 * label (empty if it has none). Classes stand by name ({@link formatClass}), because their order may change with another model.
 */
export const framesColumns = ['idx', 'frame', 'imgpath', 'fresh', 'served', 'class'] as const
/**
 * Golden labels in Ekya's samplelist form (idx,class,x0,y0,x1,y1,imgpath), written by the profile pod. `class` is an index into the classes
 * of that moment; what counts is the column `name`.
 */
export const labelsList = 'labels.csv'
/** FrameCounts and gpuSecondsPerFrame of the window, kept up to date by the inference pod; `complete` once the window has ended. */
export const summaryFile = 'summary.json'
export const summaryFileOf = (generation: number): string =>
  generation === 1 ? summaryFile : `summary-${generation}.json`

/** The generation whose books a file is; undefined for any other file. */
export function generationOf(file: string): number | undefined {
  const match = /^(?:frames(?:-(\d+))?\.csv|summary(?:-(\d+))?\.json)$/.exec(file)
  return match === null ? undefined : Number(match[1] ?? match[2] ?? 1)
}

/** A class's name as a cell of a list, without commas, quotes and white space. */
export const formatClass = (name: string): string =>
  name.replace(/[%,"\s]/g, each => encodeURIComponent(each))

/** undefined: the cell is empty or no such name. */
export function parseClass(cell = ''): string | undefined {
  try {
    return decodeURIComponent(cell) || undefined
  } catch {
    return undefined
  }
}
