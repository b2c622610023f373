/**
 * How many independent labels a stretch of labelled frames is worth. Frames of one object share its label, and mostly its fate: forty
 * frames of eight objects say about as much as eight labels.
 *
 * Of n independent labels neighbours differ (n − 1)·(1 − Σ mix²) times; as many independent labels as would differ as often are counted.
 */
import { classMix, type LabelledFrame } from './coherence.ts'

/** @returns from 1 to their number; 0 for none. */
export function independentLabels(frames: readonly LabelledFrame[], classes: number): number {
  if (frames.length === 0) return 0
  const ordered = [...frames].sort((a, b) => a.frame - b.frame)
  const changes = ordered.filter((each, i) => i > 0 && each.label !== ordered[i - 1]!.label).length
  if (changes === 0) return 1
  const differ = 1 - classMix(ordered, classes).reduce((sum, share) => sum + share * share, 0)
  return Math.min(ordered.length, 1 + changes / differ)
}
