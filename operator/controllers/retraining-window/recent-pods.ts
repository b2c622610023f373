/**
 * What was just written of pods, for as long as the cache has not caught up with it: a pod that was made and is not shown yet would
 * otherwise not count in the books, and what was decided would be decided again.
 */
import { retrainingWindowLabel } from '../../api/names.ts'
import { observedOf, type Pod, podSnapshot } from '../../cluster/pod.ts'
import type { SiteSnapshot } from '../../cluster/snapshot.ts'
import { compareResourceVersions } from '../../kube/objects.ts'

/** A cache that lags further behind than this has other troubles. */
const memoryMs = 30_000

interface Written {
  readonly pod: Pod
  readonly at: number
  /** The cache has shown it: if it does not any more, it is gone. */
  seen: boolean
}

export class RecentPods {
  readonly #written = new Map<string, Written>()
  /** When deletions were asked for, by uid. */
  readonly #removed = new Map<string, number>()

  /** The server's answer to a creation or a patch. */
  remember(pod: Pod, now: number): void {
    const uid = pod.metadata.uid ?? ''
    this.#written.set(uid, { pod, at: now, seen: this.#written.get(uid)?.seen ?? false })
  }

  removed(uid: string, now: number): void {
    this.#written.delete(uid)
    this.#removed.set(uid, now)
  }

  apply(site: SiteSnapshot): SiteSnapshot {
    const { name, namespace } = site.window.metadata
    for (const [uid, { at }] of this.#written) if (site.now - at > memoryMs) this.#written.delete(uid)
    for (const [uid, at] of this.#removed) if (site.now - at > memoryMs) this.#removed.delete(uid)
    const shown = new Set(site.pods.map(pod => pod.uid))
    const pods = site.pods.map(pod => {
      const written = this.#written.get(pod.uid)
      if (written !== undefined) written.seen = true
      const newer =
        written !== undefined &&
        compareResourceVersions(written.pod.metadata.resourceVersion, pod.pod.metadata.resourceVersion) > 0
          ? podSnapshot(written.pod, observedOf(pod))
          : undefined
      return { ...(newer ?? pod), terminating: pod.terminating || this.#removed.has(pod.uid) }
    })
    const unseen = [...this.#written.values()].flatMap(({ pod, seen }) => {
      const { metadata } = pod
      const here = metadata.namespace === namespace && metadata.labels?.[retrainingWindowLabel] === name
      const snapshot = podSnapshot(pod)
      return !here || seen || snapshot === undefined || shown.has(metadata.uid ?? '') ? [] : [snapshot]
    })
    return { ...site, pods: [...pods, ...unseen] }
  }
}
