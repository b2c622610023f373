/**
 * The signals by which a worker is asked to end, from its first moment on.
 *
 * In a container a worker is process 1, to which the kernel delivers no signal that it has no handler for: one that is still loading would
 * not hear that it is to go, and be killed only when its grace period is over, with its share in the books until then.
 */
const names = ['SIGTERM', 'SIGINT'] as const
/** As a shell tells of a process that ended by SIGTERM. */
const status = 143

const leave = (): void => process.exit(status)

/** As long as there is nothing to be ended in order. */
export function endAtOnce(): void {
  for (const name of names) process.once(name, leave)
}

/** From now on the first signal aborts; a second one kills the process. */
export function endInOrder(): AbortSignal {
  const ending = new AbortController()
  for (const name of names) {
    process.once(name, () =>
      ending.abort(new DOMException(`${name}: the process is asked to end`, 'AbortError')),
    )
    process.off(name, leave)
  }
  return ending.signal
}
