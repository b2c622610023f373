/** Programs that run until they are told to end. */

/** Aborts at the first Ctrl-C, SIGTERM or hang-up. */
export function interruption(): AbortSignal {
  const controller = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => controller.abort())
  return controller.signal
}

/** Keeps the process alive until then: handles of child processes do not. */
export function untilAborted(signal: AbortSignal): Promise<void> {
  const timer = setInterval(() => {}, 1 << 30)
  return new Promise(resolve => {
    const finish = () => {
      clearInterval(timer)
      resolve()
    }
    if (signal.aborted) finish()
    else signal.addEventListener('abort', finish, { once: true })
  })
}
