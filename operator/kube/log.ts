/**
 * What this folder needs of a logger. Pino's loggers fit as they are.
 *
 * Fields come first, the message second; the message is constant text, so that it can be searched and counted.
 */
export interface Log {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

const nothing = () => {}

/** Says nothing. */
export const silentLog: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing }
