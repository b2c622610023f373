/** Several stores of one resource, such as one per namespace, read as one. Their keys do not overlap. */
import type { KubeObject } from './objects.ts'
import type { StoreView } from './store.ts'

export function mergedStore<T extends KubeObject>(stores: readonly StoreView<T>[]): StoreView<T> {
  if (stores.length === 1) return stores[0]!
  return {
    get: key => stores.map(store => store.get(key)).find(object => object !== undefined),
    list: () => stores.flatMap(store => store.list()),
    inNamespace: namespace => stores.flatMap(store => store.inNamespace(namespace)),
    get size() {
      return stores.reduce((sum, store) => sum + store.size, 0)
    },
    subscribe(handler) {
      const ends = stores.map(store => store.subscribe(handler))
      return () => {
        for (const end of ends) end()
      }
    },
  }
}
