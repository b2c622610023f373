/**
 * Renders batches beside the training: the runtime keeps the thread that calls it busy for the whole step, so that only another thread can work
 * meanwhile. What it gives is what render.ts gives, bit by bit.
 */
import { Worker } from 'node:worker_threads'
import { type Rendering, render } from './render.ts'

export interface Preparation {
  /** @throws Error where the thread failed or is closed. */
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

/** The thread starts with the first request and keeps the process alive only while it is at one. Requests come one at a time. */
export function createPreparationThread(start: () => Worker = startWorker): Preparation {
  let worker: Worker | undefined
  let closed = false
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
  const running = (): Worker => {
    if (worker !== undefined) return worker
    const started = start()
    // Between two requests nobody else listens.
    started.on('error', () => {})
    started.on('exit', () => {
      if (worker === started) worker = undefined
    })
    worker = started
    return started
  }
  const ask = (request: Rendering): Promise<Float32Array> => {
    const thread = running()
    return new Promise((resolve, reject) => {
      const settle = (act: () => void): void => {
        thread.off('message', answered).off('error', broke).off('exit', ended)
        thread.unref()
        act()
      }
      const answered = (values: Float32Array) => settle(() => resolve(values))
      const fail = (message: string, cause?: unknown) =>
        settle(() => {
          worker = undefined
          reject(new Error(`the thread that prepares batches ${message}`, { cause }))
        })
      const broke = (error: unknown) =>
        fail(`failed: ${error instanceof Error ? error.message : error}`, error)
      const ended = (status: number) => fail(`ended with status ${status}`)
      thread.ref()
      thread.on('message', answered).on('error', broke).on('exit', ended)
      thread.postMessage({ ...request, pixels: sharedOf(request.pixels) })
    })
  }
  return {
    async render(request) {
      if (closed) throw new Error('the thread that prepares batches is closed')
      return request.pixels.length > copyLimitBytes ? render(request) : await ask(request)
    },
    async close() {
      closed = true
      await worker?.terminate()
    },
  }
}
