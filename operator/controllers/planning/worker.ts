/** The planning thread's own side: one request after another. */
import { parentPort } from 'node:worker_threads'
import { answer, type PlanRequest } from './request.ts'

if (parentPort === null) throw new Error('worker.ts runs in a planning thread only')
const port = parentPort
port.on('message', (request: PlanRequest) => port.postMessage(answer(request, () => performance.now())))
