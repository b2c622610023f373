/**
 * Which RetrainingWindow a CameraStream belongs to: the oldest one in its namespace whose streamSelector matches.
 *
 * A stream belongs to at most one window. Age is creationTimestamp; the name decides between equals, so that every replica answers alike.
 */
import type { CameraStream, RetrainingWindow } from '../api/generated/types.ts'

export interface Membership {
  /** The window that governs the stream; absent when none selects it. */
  readonly window?: RetrainingWindow
  /** Names of younger windows that select the stream too and do not get it. */
  readonly refused: readonly string[]
}

export interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>
  readonly matchExpressions?: readonly LabelRequirement[]
}

export interface LabelRequirement {
  readonly key: string
  readonly operator: string
  readonly values?: readonly string[]
}

export function membership(stream: CameraStream, windows: readonly RetrainingWindow[]): Membership {
  const matching = windows
    .filter(
      w => w.metadata.namespace === stream.metadata.namespace && w.metadata.deletionTimestamp === undefined,
    )
    .filter(w => selects(w.spec.streamSelector as LabelSelector | undefined, stream.metadata.labels ?? {}))
    .toSorted(olderFirst)
  return { window: matching[0], refused: matching.slice(1).map(w => w.metadata.name) }
}

/** Kubernetes' label selector semantics; an empty selector matches everything. */
export function selects(
  selector: LabelSelector | undefined,
  labels: Readonly<Record<string, string>>,
): boolean {
  const equal = Object.entries(selector?.matchLabels ?? {}).every(([key, value]) => labels[key] === value)
  return equal && (selector?.matchExpressions ?? []).every(requirement => meets(requirement, labels))
}

function meets(
  { key, operator, values = [] }: LabelRequirement,
  labels: Readonly<Record<string, string>>,
): boolean {
  const value = labels[key]
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value)
    case 'NotIn':
      return value === undefined || !values.includes(value)
    case 'Exists':
      return value !== undefined
    case 'DoesNotExist':
      return value === undefined
    default:
      return false
  }
}

function olderFirst(a: RetrainingWindow, b: RetrainingWindow): number {
  const [ageA, ageB] = [a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? '']
  return ageA < ageB ? -1 : ageA > ageB ? 1 : a.metadata.name < b.metadata.name ? -1 : 1
}
