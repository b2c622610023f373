/** The planning thread's own side: one request after another. */
import { parentPort } from 'node:worker_threads'
import { type Assignment, done } from './request.ts'

if (parentPort === null) throw new Error('worker.ts runs in a planning thread only')
const port = parentPort
const monotonicMs = (): number => performance.now()

port.on('message', (given: Assignment) => port.postMessage(done(given, monotonicMs)))
