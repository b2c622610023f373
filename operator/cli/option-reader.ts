/** Reads the texts of a command's options and gathers all that is not accepted, so that it is told at once. */
import { ConfigError, type ConfigProblem } from '../config/errors.ts'

export interface Accepted {
  /** In words. */
  readonly accepted: string
  readonly accepts: (value: number) => boolean
}

export const within = (least: number, most: number, what: string): Accepted => ({
  accepted: `${what} from ${least} to ${most}`,
  accepts: value => value >= least && value <= most,
})

export const above0 = (most: number, what: string): Accepted => ({
  accepted: `${what} above 0 and at most ${most}`,
  accepts: value => value > 0 && value <= most,
})

/** @param most named only where it is given. */
export const wholeFrom = (least: number, most = Number.MAX_SAFE_INTEGER): Accepted => ({
  accepted: `a whole number from ${least}${most === Number.MAX_SAFE_INTEGER ? '' : ` to ${most}`}`,
  accepts: value => Number.isInteger(value) && value >= least && value <= most,
})

export class OptionReader {
  readonly #problems: ConfigProblem[] = []

  refuse(where: string, message: string): void {
    this.#problems.push({ where, message })
  }

  /** What was refused is NaN or not to be used: `check` before it is. */
  number(where: string, text: string, { accepted, accepts }: Accepted): number {
    const value = text.trim() === '' ? Number.NaN : Number(text)
    if (!accepts(value)) this.refuse(where, `${JSON.stringify(text)} is not accepted; accepted: ${accepted}`)
    return value
  }

  /** Numbers with commas between them, none twice, in rising order. */
  numbers(where: string, text: string, accepted: Accepted): number[] {
    const values = text.split(',').map(part => this.number(where, part, accepted))
    this.#refuseRepeated(where, values.map(String))
    return values.sort((a, b) => a - b)
  }

  /** Texts with commas between them, none twice, in the order given. */
  words(where: string, text: string): string[] {
    const words = text.split(',').map(word => word.trim())
    this.#refuseRepeated(where, words)
    return words
  }

  #refuseRepeated(where: string, words: readonly string[]): void {
    const repeated = new Set(words.filter((word, i) => words.indexOf(word) < i && word !== 'NaN'))
    for (const word of repeated)
      this.refuse(where, `${JSON.stringify(word)} is there twice; accepted: each once`)
  }

  /** @throws ConfigError with all that was refused. */
  check(): void {
    if (this.#problems.length > 0) throw new ConfigError(this.#problems)
  }
}
