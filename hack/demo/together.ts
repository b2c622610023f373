/**
 * Runs tasks at the same time. When one fails the others are aborted and waited for, so that nothing which a task has started
 * comes up after the caller has begun to clean up.
 *
 * @throws the first failure
 */
export async function together<T extends readonly unknown[]>(
  tasks: { readonly [K in keyof T]: (signal: AbortSignal) => Promise<T[K]> },
  signal: AbortSignal,
): Promise<T> {
  const failing = new AbortController()
  const either = AbortSignal.any([signal, failing.signal])
  let first: { readonly error: unknown } | undefined
  const results = await Promise.all(
    tasks.map(task =>
      task(either).catch((error: unknown) => {
        first ??= { error }
        failing.abort(error)
        return undefined
      }),
    ),
  )
  if (first) throw first.error
  return results as unknown as T
}
