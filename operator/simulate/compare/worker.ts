/** A thread of the worker pool: it is given the trace once, and then one run after another. */
import { parentPort, workerData } from 'node:worker_threads'
import type { Trace } from '../trace.ts'
import { carryOut, type Run } from './run.ts'

if (parentPort === null) throw new Error('worker.ts runs in a worker thread of the pool only')
const port = parentPort
port.on('message', (run: Run) => port.postMessage(carryOut(workerData as Trace, run)))
