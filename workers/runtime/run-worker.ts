/**
 * What all roles share: configuration in, HTTP up, work, result out.
 *
 *   EKYA_CONFIG ──refused──▶ termination message with the error, exit 1
 *        │
 *        ▼
 *   HTTP answers ──▶ the role's run() ──▶ termination message ──▶ exit 0, or 1 where the role failed
 *
 * SIGTERM and SIGINT abort run(), which ends what it is at and returns as it would otherwise; a second signal ends the process at once.
 */
import {
  podAddressVariable,
  type WorkerRole,
  type WorkerStatus,
  workerPort,
} from '../../operator/api/worker.ts'
import { endInOrder } from '../../operator/process/end-signals.ts'
import { chooseProvider } from '../models/provider.ts'
import { failureOf } from './failure.ts'
import { type GpuMeter, gpuMeter } from './gpu-meter.ts'
import { type Route, serveHttp } from './http-server.ts'
import { type Logger, workerLog } from './log.ts'
import { type WorkerMetrics, workerMetrics } from './metrics.ts'
import { terminationLog, writeTerminationMessage } from './termination-message.ts'
import { type ConfigByRole, parseConfig } from './validate.ts'

/** Levels of pino; for a pod, set in its environment. */
const logLevelVariable = 'EKYA_LOG_LEVEL'

export interface WorkerContext<Config> {
  readonly config: Config
  readonly log: Logger
  readonly meter: GpuMeter
  readonly metrics: WorkerMetrics
}

export interface Worker {
  status(): WorkerStatus
  /** What has to happen before the worker is ready, in words; empty: it is. */
  awaiting(): readonly string[]
  readonly routes?: readonly Route[]
  /** Someone asks for the status: the operator is there. */
  onStatusAsked?(): void
  /** Works until the end, or until `signal` aborts; does not reject on abort. */
  run(signal: AbortSignal): Promise<Outcome>
}

export interface Outcome {
  /** For the termination message; absent: none is left. */
  readonly message?: string
  readonly failed: boolean
}

export interface ProcessSurroundings {
  readonly environment: NodeJS.ProcessEnv
  /** Aborts where the process is asked to end. */
  readonly signal: AbortSignal
  readonly port?: number
  onListening?(port: number): void
}

/** @returns the exit code. */
export async function runWorker<Role extends WorkerRole>(
  role: Role,
  create: (context: WorkerContext<ConfigByRole[Role]>) => Worker,
  surroundings: ProcessSurroundings = ownProcess(),
): Promise<number> {
  const { environment, signal, port = workerPort, onListening } = surroundings
  let log = workerLog({ role }, environment[logLevelVariable])
  const leave = (message: string): Promise<void> =>
    writeTerminationMessage(terminationLog(environment), message).catch((error: unknown) =>
      log.error({ err: error }, 'the termination message cannot be written'),
    )
  try {
    const config = parseConfig(role, environment.EKYA_CONFIG)
    const { namespace, stream, device } = config
    log = workerLog({ role, namespace, stream }, environment[logLevelVariable])
    const meter = gpuMeter(role, device, environment)
    const { provider, reason } = await chooseProvider(device.kind)
    log.info({ provider, reason }, 'models run here')
    const metrics = workerMetrics({ namespace, stream, role, meter })
    const worker = create({ config, log, meter, metrics })
    const server = await serveHttp([...commonRoutes(worker, metrics), ...(worker.routes ?? [])], {
      host: environment[podAddressVariable] || '0.0.0.0',
      port,
      onError: (error, route) => log.error({ err: error, route }, 'a request failed'),
    })
    onListening?.(server.port)
    try {
      const { message, failed } = await worker.run(signal)
      if (message !== undefined) await leave(message)
      log.info({ gpuSeconds: meter.gpuSeconds(), failed }, 'the worker ends')
      return failed ? 1 : 0
    } finally {
      await server.close()
    }
  } catch (error) {
    const failure = failureOf(error)
    // What its configuration got wrong is told by the message; only a fault of the worker's own needs a stack.
    log.fatal(failure.code === 'Internal' ? { err: error } : { error: failure }, 'the worker failed')
    await leave(JSON.stringify({ error: failure }))
    return 1
  }
}

function commonRoutes(worker: Worker, { registry }: WorkerMetrics): readonly Route[] {
  return [
    // Whoever reads this answer knows that the event loop turns.
    { method: 'GET', path: '/healthz', handle: () => ({ body: { status: 'ok' } }) },
    {
      method: 'GET',
      path: '/readyz',
      handle() {
        const awaiting = worker.awaiting()
        const { error } = worker.status()
        const ready = awaiting.length === 0
        return { status: ready ? 200 : 503, body: { ready, awaiting, ...(error ? { error } : {}) } }
      },
    },
    {
      method: 'GET',
      path: '/status',
      handle() {
        worker.onStatusAsked?.()
        return { body: worker.status() }
      },
    },
    {
      method: 'GET',
      path: '/metrics',
      handle: async () => ({ body: await registry.metrics(), contentType: registry.contentType }),
    },
  ]
}

const ownProcess = (): ProcessSurroundings => ({ environment: process.env, signal: endInOrder() })
