/** How far a long command is: one line that is rewritten on a terminal, elsewhere a line for each tenth. */

export interface ProgressOutput {
  write(text: string): unknown
  readonly isTTY?: boolean
}

export class ProgressLine {
  readonly #output: ProgressOutput
  readonly #name: string
  #tenths = 0

  constructor(output: ProgressOutput, name: string) {
    this.#output = output
    this.#name = name
  }

  /** @param what has just been done. */
  show(done: number, total: number, what: string): void {
    const text = `${this.#name}: ${done} of ${total} runs`
    if (this.#output.isTTY === true) {
      this.#output.write(`\r\x1b[K${text} (${what})${done === total ? '\n' : ''}`)
      return
    }
    const tenths = Math.floor((done / total) * 10)
    if (tenths === this.#tenths) return
    this.#tenths = tenths
    this.#output.write(`${text}\n`)
  }
}
