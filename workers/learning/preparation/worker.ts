/** Renders batches in a thread of its own: one request after another, each answered by its floats. */
import { parentPort } from 'node:worker_threads'
import { type Rendering, render } from './render.ts'

parentPort!.on('message', (request: Rendering) => {
  const values = render(request)
  parentPort!.postMessage(values, [values.buffer])
})
