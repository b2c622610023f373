/**
 * Prepares the next item while the caller works on one: never more than one ahead, in order. An error comes out when its item would have. Who
 * stops early waits for what is under way, and no more is begun.
 */
export async function* oneAhead<T, U>(
  items: Iterable<T>,
  prepare: (item: T) => Promise<U>,
): AsyncGenerator<U, void, undefined> {
  let next: Promise<U> | undefined
  const begin = (item: IteratorResult<T>): void => {
    next = item.done === true ? undefined : prepare(item.value)
    // It is told when its turn comes.
    next?.catch(() => {})
  }
  const order = items[Symbol.iterator]()
  begin(order.next())
  try {
    while (next !== undefined) {
      const prepared = await next
      begin(order.next())
      yield prepared
    }
  } finally {
    await next?.catch(() => {})
  }
}
