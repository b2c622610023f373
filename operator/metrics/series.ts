/**
 * A gauge whose series belong to owners: setting an owner's points removes those that it had before and has no more.
 *
 * prom-client keeps a series until it is removed by its exact labels, so somebody has to remember them.
 */
import type { Gauge } from 'prom-client'

export type Labels = Readonly<Record<string, string>>

export interface Point {
  readonly labels: Labels
  readonly value: number
}

export interface Series {
  replace(owner: string, points: readonly Point[]): void
}

export function createSeries(gauge: Gauge<string>): Series {
  const owned = new Map<string, ReadonlyMap<string, Labels>>()
  return {
    replace(owner, points) {
      const next = new Map(
        points.map(({ labels }) => [JSON.stringify(Object.entries(labels).sort()), labels]),
      )
      for (const [key, labels] of owned.get(owner) ?? []) if (!next.has(key)) gauge.remove(labels)
      for (const { labels, value } of points) gauge.set(labels, value)
      if (next.size > 0) owned.set(owner, next)
      else owned.delete(owner)
    },
  }
}
