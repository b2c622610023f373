/** The command `ekya` in the test's own process, on streams that are kept. */
import { type Io, run } from '../program.ts'

export interface Given {
  readonly stdin?: string
  readonly env?: Io['env']
  /** Whether complaints go to a terminal. */
  readonly isTTY?: boolean
}

export async function runEkya(args: readonly string[], { stdin = '', env = {}, isTTY = false }: Given = {}) {
  let [stdout, stderr] = ['', '']
  const status = await run(args, {
    stdin: (async function* () {
      yield stdin
    })(),
    stdout: { write: text => (stdout += text) },
    stderr: { isTTY, write: text => (stderr += text) },
    env,
  })
  return { status, stdout, stderr }
}
