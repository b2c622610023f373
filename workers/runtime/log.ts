/** Logs of a worker: JSON lines on standard output, each with role, namespace and stream. */
import { type Logger, pino, stdTimeFunctions } from 'pino'

export type { Logger }

export function workerLog(bindings: Readonly<Record<string, string>>, level = 'info'): Logger {
  return pino({
    level,
    base: bindings,
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: label => ({ level: label }) },
  })
}
