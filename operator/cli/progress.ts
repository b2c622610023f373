/** How far a long command is: one line that is rewritten on a terminal, possibly with a bar, elsewhere a line for each tenth. */
import { printable } from '../text/printable.ts'

export interface ProgressOutput {
  write(text: string): unknown
  readonly isTTY?: boolean
}

export class ProgressLine {
  readonly #output: ProgressOutput
  readonly #name: string
  readonly #unit: string
  readonly #bar: boolean
  #tenths = 0

  /** @param unit what is counted. */
  constructor(output: ProgressOutput, name: string, { unit = 'runs', bar = false } = {}) {
    this.#output = output
    this.#name = name
    this.#unit = unit
    this.#bar = bar
  }

  /** @param what has just been done. */
  show(done: number, total: number, what: string): void {
    const text = `${this.#name}: ${done} of ${total} ${this.#unit}`
    if (this.#output.isTTY === true) {
      const bar = this.#bar ? `${barOf(done / total)} ` : ''
      this.#output.write(`\r\x1b[K${bar}${text} (${printable(what)})${done === total ? '\n' : ''}`)
      return
    }
    const tenths = Math.floor((done / total) * 10)
    if (tenths === this.#tenths) return
    this.#tenths = tenths
    this.#output.write(`${text}\n`)
  }

  /** Ends the line of a terminal where the work ended before all was done. */
  stop(): void {
    if (this.#output.isTTY === true) this.#output.write('\n')
  }
}

const barWidth = 24

function barOf(part: number): string {
  const full = Math.floor(part * barWidth)
  return `[${'#'.repeat(full)}${'.'.repeat(barWidth - full)}]`
}
