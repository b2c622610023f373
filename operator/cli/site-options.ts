/** The options that all commands of the simulator share: what a site is like, and the seed. */
import { parseSeed } from '../config/values.ts'
import { type OptionReader, within } from './option-reader.ts'

/** As commander reads them. */
export interface RawSiteOptions {
  readonly window: string
  readonly delay: string
  readonly step?: string
  readonly resizeSeconds: string
  readonly seed?: string
}

export interface SiteOptions {
  readonly windowSeconds: number
  readonly delaySeconds: number
  /** Δ, a fraction of one GPU. */
  readonly step: number
  readonly resizeSeconds: number
  readonly seed?: number
}

/** Δ of Ekya's simulator. */
const defaultStep = 0.25 / 3

export function readSite(reader: OptionReader, raw: RawSiteOptions): SiteOptions {
  const windowSeconds = reader.number('--window', raw.window, within(1, 1e6, 'seconds'))
  const site = {
    windowSeconds,
    delaySeconds: reader.number('--delay', raw.delay, {
      accepted: 'seconds from 0, less than the window',
      accepts: value => value >= 0 && !(value >= windowSeconds),
    }),
    step:
      raw.step === undefined
        ? defaultStep
        : reader.number('--step', raw.step, within(0.001, 1, 'a fraction of one GPU')),
    resizeSeconds: reader.number('--resize-seconds', raw.resizeSeconds, within(0, 1e6, 'seconds')),
  }
  if (raw.seed === undefined) return site
  const seed = parseSeed(raw.seed)
  if (seed === undefined)
    reader.refuse(
      '--seed',
      `${JSON.stringify(raw.seed)} is not accepted; accepted: a whole number from 0 to 2147483647`,
    )
  return { ...site, ...(seed === undefined ? {} : { seed }) }
}
