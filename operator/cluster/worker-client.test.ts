import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import { Agent } from 'undici'
import type { InferenceStatus } from '../api/worker.ts'
import { createWorkerClient, type WorkerClient, WorkerClientError } from './worker-client.ts'

const counts = { offered: 10, analysed: 8, skipped: 0, dropped: 2 }
const inference: InferenceStatus = {
  role: 'inference',
  stream: 'cam-0',
  model: { uri: 'models/a.onnx', digest: 'ab' },
  configuration: 'every-frame',
  window: { index: 3, startsAt: '2026-01-01T00:00:00Z', frames: counts, samples: 5 },
  frames: counts,
  gpuSecondsPerFrame: 0.004,
  latencySeconds: { p50: 0.01, p95: 0.02 },
  draining: false,
}

interface Answer {
  status?: number
  body: unknown
  hang?: boolean
}

describe('worker client', () => {
  let server: Server
  let address = ''
  let client: WorkerClient
  let impatient: WorkerClient
  let answer: Answer = { body: inference }
  let connections = 0
  const requests: { line: string; body: string }[] = []

  before(async () => {
    server = createServer(async (request: IncomingMessage, response) => {
      let body = ''
      for await (const chunk of request) body += chunk
      requests.push({ line: `${request.method} ${request.url}`, body })
      if (answer.hang) return
      response.statusCode = answer.status ?? 200
      response.end(typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body))
    })
    server.on('connection', () => {
      connections++
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    address = `127.0.0.1:${(server.address() as AddressInfo).port}`
    client = createWorkerClient({ timeoutMs: 5000 })
    impatient = createWorkerClient({ timeoutMs: 150 })
  })
  after(async () => {
    await Promise.all([client.close(), impatient.close()])
    server.closeAllConnections()
    server.close()
  })
  beforeEach(() => {
    answer = { body: inference }
    requests.length = 0
  })

  const failure = async (call: Promise<unknown>): Promise<WorkerClientError> => {
    const error = await call.then(
      () => undefined,
      (reason: unknown) => reason,
    )
    expect(error).to.be.instanceOf(WorkerClientError)
    return error as WorkerClientError
  }

  it('reads a status', async () => expect(await client.status(address)).to.deep.equal(inference))

  it('posts what it is told, as JSON', async () => {
    const window = { index: 4, startsAt: '2026-01-01T00:01:00Z', durationSeconds: 60, maxSamples: 200 }
    await client.setWindow(address, window)
    await client.setModel(address, { uri: 'models/b.onnx', digest: 'cd' })
    await client.setConfiguration(address, { name: 'half', frameInterval: 2, resolutionScale: 1 })
    const mark = { window: 4, startsAt: window.startsAt, frame: 17 }
    await client.drain(address, { until: mark })
    await client.activate(address, { from: mark })
    expect(requests.map(({ line }) => line)).to.deep.equal([
      'POST /window',
      'POST /model',
      'POST /configuration',
      'POST /drain',
      'POST /activate',
    ])
    expect(requests.slice(-2).map(({ body }) => JSON.parse(body))).to.deep.equal([
      { until: mark },
      { from: mark },
    ])
    expect(JSON.parse(requests[0]?.body ?? '')).to.deep.equal(window)
  })

  it('keeps one connection for calls that follow each other', async () => {
    await client.status(address)
    const before = connections
    for (let call = 0; call < 5; call++) await client.status(address)
    expect(connections).to.equal(before)
  })

  for (const { name, reply, want } of [
    {
      name: 'a refusal with the code of the worker',
      reply: { status: 400, body: { error: { code: 'ModelNotFound', message: 'no file models/x.onnx' } } },
      want: { code: 'ModelNotFound', retryable: false, status: 400, message: /no file models\/x\.onnx/ },
    },
    {
      name: 'a failure inside the worker',
      reply: { status: 500, body: 'oops' },
      want: { code: 'Internal', retryable: true, status: 500, message: /oops/ },
    },
    {
      name: 'an answer that is no JSON',
      reply: { body: '<html>' },
      want: { code: 'BadAnswer', retryable: true, status: 200, message: /no known role/ },
    },
    {
      name: 'a status with wrong fields, naming them',
      reply: { body: { ...inference, draining: 'no', frames: { ...counts, dropped: -1 } } },
      want: { code: 'BadAnswer', retryable: true, status: 200, message: /frames\/dropped.*draining/ },
    },
    {
      name: 'an answer that never ends growing',
      reply: { body: 'x'.repeat(300_000) },
      want: { code: 'BadAnswer', retryable: true, status: 200, message: /more than 262144 bytes/ },
    },
    {
      name: 'no answer in time',
      reply: { body: '', hang: true },
      want: { code: 'Timeout', retryable: true, status: undefined, message: /within 150 ms/ },
    },
  ] satisfies { name: string; reply: Answer; want: unknown }[])
    it(`reports ${name}`, async () => {
      answer = reply
      const { code, retryable, status, message } = await failure(
        (reply.hang === true ? impatient : client).status(address),
      )
      expect({ code, retryable, status }).to.deep.equal({
        code: want.code,
        retryable: want.retryable,
        status: want.status,
      })
      expect(message).to.match(want.message)
    })

  it('reports a worker that cannot be reached', async () => {
    const { code, retryable, message } = await failure(client.status('127.0.0.1:1'))
    expect({ code, retryable }).to.deep.equal({ code: 'Unreachable', retryable: true })
    expect(message).to.match(/ECONNREFUSED/)
  })

  it('passes an abort on as it is', async () => {
    const reason = new Error('shutting down')
    const error = await client.status(address, AbortSignal.abort(reason)).catch((thrown: unknown) => thrown)
    expect(error).to.equal(reason)
  })

  describe('where no connection comes about', () => {
    // As to the address of a pod that has gone: neither accepted nor refused.
    const nowhere = new Agent({ connect: () => {} })
    const lost = createWorkerClient({ timeoutMs: 50, dispatcher: nowhere })
    after(() => nowhere.destroy())

    it('fails at its deadline', async () => {
      const error = await failure(lost.status('10.0.0.7:8080'))
      expect(error).to.include({ code: 'Timeout', retryable: true })
      expect(error.message).to.equal('worker 10.0.0.7:8080: GET /status had no answer within 50 ms')
    })

    it('ends when its caller does', async () => {
      const patient = createWorkerClient({ dispatcher: nowhere })
      const reason = new Error('enough')
      const call = patient.status('10.0.0.7:8080', AbortSignal.abort(reason))
      expect(await call.catch((error: unknown) => error)).to.equal(reason)
      const caller = new AbortController()
      const another = patient.status('10.0.0.7:8080', caller.signal)
      caller.abort(reason)
      expect(await another.catch((error: unknown) => error)).to.equal(reason)
    })
  })
})
