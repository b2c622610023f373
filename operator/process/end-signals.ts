/**
 * The signals by which a process is asked to end, from its first moment on.
 *
 *   endAtOnce: a signal ends the process          endInOrder: the first aborts, a second one ends the process
 *
 * In a container a process is number 1, to which the kernel delivers no signal that it has no handler for: one that is still loading
 * would not hear that it is to go, nor one in the middle of its end that it is to be quick. It would be killed only when its grace period
 * is over, with its share in the books until then. So there is a handler at each moment.
 */
import { constants } from 'node:os'

const names = ['SIGTERM', 'SIGINT'] as const
type Name = (typeof names)[number]

/** The status is a shell's for a process that ended by this signal. */
const leave = (name: Name): never => process.exit(128 + constants.signals[name])

let end: (name: Name) => void = leave
let listening = false

function listen(): void {
  if (listening) return
  listening = true
  for (const name of names) process.on(name, () => end(name))
}

/** As long as there is nothing to be ended in order. */
export function endAtOnce(): void {
  end = leave
  listen()
}

/** From here on the first signal aborts; a second one ends the process at once. */
export function endInOrder(): AbortSignal {
  const ending = new AbortController()
  end = name => {
    end = leave
    ending.abort(new DOMException(`${name}: the process is asked to end`, 'AbortError'))
  }
  listen()
  return ending.signal
}
