/**
 * Talks to worker pods over HTTP, and believes nothing that it has not checked.
 *
 * Every call has a deadline, one keep-alive agent serves all pods, answers are bounded and validated. A worker that
 * refuses (4xx) fails with the worker's own code and is not worth a retry; one that cannot be reached, is too slow, or
 * answers with 5xx is.
 */
import { Ajv, type ValidateFunction } from 'ajv'
import { Agent, type Dispatcher } from 'undici'
import type {
  ActivateRequest,
  DrainRequest,
  InferenceConfiguration,
  InferenceStatus,
  ModelReference,
  TrainingStatus,
  WindowClock,
  WorkerError,
  WorkerErrorCode,
  WorkerStatus,
} from '../api/worker.ts'
import {
  errorAnswerSchema,
  inferenceStatusSchema,
  profileStatusSchema,
  trainingStatusSchema,
} from './worker-schemas.ts'

/** A status is about 1 KiB. */
const answerLimitBytes = 256 * 1024

export type WorkerClientErrorCode = WorkerErrorCode | 'Unreachable' | 'Timeout' | 'BadAnswer'

export class WorkerClientError extends Error {
  readonly code: WorkerClientErrorCode
  readonly retryable: boolean
  /** HTTP status, absent when there was no answer. */
  readonly status: number | undefined

  constructor(
    code: WorkerClientErrorCode,
    message: string,
    options: { retryable: boolean; status?: number; cause?: unknown },
  ) {
    super(message, { cause: options.cause })
    this.name = 'WorkerClientError'
    this.code = code
    this.retryable = options.retryable
    this.status = options.status
  }
}

/** Addresses are `host:port`, as in `10.0.0.7:8080`. All methods throw WorkerClientError. */
export interface WorkerClient {
  status(address: string, signal?: AbortSignal): Promise<WorkerStatus>
  setWindow(address: string, window: WindowClock, signal?: AbortSignal): Promise<InferenceStatus>
  /** Answers when the new model serves; a model that is refused leaves the old one in use. */
  setModel(address: string, model: ModelReference, signal?: AbortSignal): Promise<InferenceStatus>
  setConfiguration(
    address: string,
    configuration: InferenceConfiguration,
    signal?: AbortSignal,
  ): Promise<InferenceStatus>
  activate(address: string, request: ActivateRequest, signal?: AbortSignal): Promise<InferenceStatus>
  drain(address: string, request: DrainRequest, signal?: AbortSignal): Promise<InferenceStatus>
  interrupt(address: string, signal?: AbortSignal): Promise<TrainingStatus>
  close(): Promise<void>
}

export interface WorkerClientOptions {
  readonly timeoutMs?: number
  /** For `POST /model`: a worker at a tenth of a core needs a while to load and check one. */
  readonly modelTimeoutMs?: number
  readonly dispatcher?: Dispatcher
}

const ajv = new Ajv({ allErrors: true, allowUnionTypes: true })
const validators: Readonly<Record<WorkerStatus['role'], ValidateFunction>> = {
  inference: ajv.compile(inferenceStatusSchema),
  profile: ajv.compile(profileStatusSchema),
  training: ajv.compile(trainingStatusSchema),
}
const isErrorAnswer = ajv.compile<WorkerError>(errorAnswerSchema)

export function createWorkerClient(options: WorkerClientOptions = {}): WorkerClient {
  const { timeoutMs = 2000, modelTimeoutMs = 15_000 } = options
  const own = options.dispatcher
    ? undefined
    : new Agent({ keepAliveTimeout: 30_000, connections: 4, connect: { timeout: timeoutMs } })
  const dispatcher = options.dispatcher ?? (own as Agent)

  async function call(
    address: string,
    method: 'GET' | 'POST',
    path: string,
    body: object | undefined,
    timeout: number,
    signal: AbortSignal | undefined,
  ): Promise<{ status: number; text: string }> {
    const deadline = AbortSignal.timeout(timeout)
    const ending = signal ? AbortSignal.any([signal, deadline]) : deadline
    try {
      const answer = await unlessAborted(
        dispatcher.request({
          origin: `http://${address}`,
          method,
          path,
          signal: ending,
          ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
        }),
        ending,
      )
      const chunks: Buffer[] = []
      let bytes = 0
      for await (const chunk of answer.body) {
        bytes += (chunk as Buffer).length
        if (bytes > answerLimitBytes) break
        chunks.push(chunk as Buffer)
      }
      if (bytes > answerLimitBytes) {
        throw badAnswer(address, method, path, `more than ${answerLimitBytes} bytes`, answer.statusCode)
      }
      return { status: answer.statusCode, text: Buffer.concat(chunks).toString('utf8') }
    } catch (cause) {
      if (cause instanceof WorkerClientError) throw cause
      signal?.throwIfAborted()
      const where = `worker ${address}: ${method} ${path}`
      if (deadline.aborted) {
        throw new WorkerClientError('Timeout', `${where} had no answer within ${timeout} ms`, {
          retryable: true,
          cause,
        })
      }
      throw new WorkerClientError('Unreachable', `${where} failed: ${reasonOf(cause)}`, {
        retryable: true,
        cause,
      })
    }
  }

  async function exchange<Role extends WorkerStatus['role']>(
    address: string,
    method: 'GET' | 'POST',
    path: string,
    signal: AbortSignal | undefined,
    body?: object,
    role?: Role,
    timeout = timeoutMs,
  ): Promise<Extract<WorkerStatus, { role: Role }>> {
    const { status, text } = await call(address, method, path, body, timeout, signal)
    const answer = parse(text)
    if (status < 200 || status > 299) {
      const { code, message } = isErrorAnswer(answer)
        ? answer.error
        : { code: 'Internal' as const, message: text.slice(0, 200) || 'no message' }
      throw new WorkerClientError(code, `worker ${address}: ${method} ${path}: ${message}`, {
        retryable: status >= 500,
        status,
      })
    }
    const validate = validators[role ?? (roleOf(answer) as WorkerStatus['role'])]
    if (!validate?.(answer)) {
      const problems = validate ? ajv.errorsText(validate.errors, { dataVar: 'status' }) : 'no known role'
      throw badAnswer(address, method, path, problems, status)
    }
    return answer as Extract<WorkerStatus, { role: Role }>
  }

  return {
    status: (address, signal) => exchange<WorkerStatus['role']>(address, 'GET', '/status', signal),
    setWindow: (address, window, signal) => exchange(address, 'POST', '/window', signal, window, 'inference'),
    setModel: (address, model, signal) =>
      exchange(address, 'POST', '/model', signal, model, 'inference', modelTimeoutMs),
    setConfiguration: (address, configuration, signal) =>
      exchange(address, 'POST', '/configuration', signal, configuration, 'inference'),
    activate: (address, request, signal) =>
      exchange(address, 'POST', '/activate', signal, request, 'inference'),
    drain: (address, request, signal) => exchange(address, 'POST', '/drain', signal, request, 'inference'),
    interrupt: (address, signal) => exchange(address, 'POST', '/interrupt', signal, {}, 'training'),
    close: async () => {
      await own?.destroy()
    },
  }
}

/** undici heeds a signal only once it has a connection, which to an address that nobody has any more may take far longer. */
async function unlessAborted<Value>(work: Promise<Value>, signal: AbortSignal): Promise<Value> {
  const settled = new AbortController()
  const aborted = new Promise<never>((_, reject) => {
    const end = () => reject(signal.reason)
    if (signal.aborted) end()
    else signal.addEventListener('abort', end, { once: true, signal: settled.signal })
  })
  try {
    return await Promise.race([work, aborted])
  } finally {
    settled.abort()
  }
}

const badAnswer = (address: string, method: string, path: string, problem: string, status: number) =>
  new WorkerClientError('BadAnswer', `worker ${address}: ${method} ${path} answered with ${problem}`, {
    retryable: true,
    status,
  })

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const roleOf = (answer: unknown): unknown =>
  typeof answer === 'object' && answer !== null && 'role' in answer ? answer.role : undefined

/** undici wraps the reason (ECONNREFUSED …) in causes and aggregates. */
function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause)
  if (cause instanceof AggregateError && cause.errors.length > 0) return reasonOf(cause.errors[0])
  if (cause.cause instanceof Error && !cause.message) return reasonOf(cause.cause)
  return cause.message
}
