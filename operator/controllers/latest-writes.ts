/**
 * The answers to our own last writes, for as long as the store has not caught up with them.
 *
 * Nothing is ever written into the store: it is the reflector's. Without this a reconcile right after a write would decide on the state
 * before it, and decide the same thing again.
 */
import { compareResourceVersions, type KubeObject, type ObjectKey } from '../kube/objects.ts'

export class LatestWrites<T extends KubeObject> {
  readonly #written = new Map<ObjectKey, T>()

  remember(key: ObjectKey, object: T): void {
    this.#written.set(key, object)
  }

  forget(key: ObjectKey): void {
    this.#written.delete(key)
  }

  /** The stored object, or our own write where that is newer; undefined for what is gone. */
  newest(key: ObjectKey, stored: T | undefined): T | undefined {
    const written = this.#written.get(key)
    if (written === undefined || stored === undefined || written.metadata.uid !== stored.metadata.uid) {
      this.#written.delete(key)
      return stored
    }
    if (compareResourceVersions(written.metadata.resourceVersion, stored.metadata.resourceVersion) > 0)
      return written
    this.#written.delete(key)
    return stored
  }
}
