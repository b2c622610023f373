/**
 * Renders batches beside the training: the runtime keeps the thread that calls it busy for the whole step, so that only another thread can work
 * meanwhile. What it gives is what render.ts gives, bit by bit.
 */
import { Worker } from 'node:worker_threads'
import { createRequestThread } from '../../../operator/process/request-thread.ts'
import { type Rendering, render } from './render.ts'

export interface Preparation {
  /** @throws ThreadFailed */
  render(request: Rendering): Promise<Float32Array>
  close(): Promise<void>
}

/** Where the caller is. */
export const inPlace: Preparation = {
  render: async request => render(request),
  close: async () => {},
}

/** Images beyond this are not copied for the thread, and rendered where the caller is. */
const copyLimitBytes = 256 * 2 ** 20

const startWorker = (): Worker => new Worker(new URL('./worker.ts', import.meta.url))

/** The thread starts with the first request. */
export function createPreparationThread(start: () => Worker = startWorker): Preparation {
  const thread = createRequestThread<Rendering, Float32Array>({
    name: 'the thread that prepares batches',
    start,
  })
  const shared = new WeakMap<Uint8Array, Uint8Array>()
  const sharedOf = (pixels: Uint8Array): Uint8Array => {
    let copy = shared.get(pixels)
    if (copy === undefined) {
      copy = new Uint8Array(new SharedArrayBuffer(pixels.length))
      copy.set(pixels)
      shared.set(pixels, copy)
    }
    return copy
  }
  return {
    render: async request =>
      request.pixels.length > copyLimitBytes
        ? render(request)
        : thread.ask({ ...request, pixels: sharedOf(request.pixels) }),
    close: () => thread.close(),
  }
}
