/** The runs of the grid, in the order in which they are reported: GPUs, streams, what is seen, policies. */
import type { Sees } from '../trace-problem.ts'
import { inHindsight, type PolicyChoice, type Run, type SiteSettings } from './run.ts'

export interface Grid {
  /** Rising, none twice. */
  readonly gpus: readonly number[]
  /** Rising, none twice. */
  readonly streams: readonly number[]
  readonly sees: readonly Sees[]
  readonly policies: readonly PolicyChoice[]
}

/** A policy that is chosen in hindsight runs once, and as seeing what comes true, whatever the grid asks for. */
export function gridRuns(grid: Grid, site: SiteSettings): Run[] {
  const { gpus, streams, sees } = exampleCell(grid)
  const told = (policy: PolicyChoice): readonly Sees[] => (inHindsight(policy) ? ['actual'] : grid.sees)
  const anySees = [...new Set([...grid.sees, ...grid.policies.flatMap(told)])]
  return grid.gpus.flatMap(g =>
    grid.streams.flatMap(n =>
      anySees.flatMap(s =>
        grid.policies
          .filter(policy => told(policy).includes(s))
          .map(
            (policy): Run => ({
              ...site,
              experiment: 'grid',
              gpus: g,
              streams: n,
              sees: s,
              policy,
              keepsAllocation: g === gpus && n === streams && s === sees,
            }),
          ),
      ),
    ),
  )
}

/** The one cell that is looked at more closely: the most streams, the middle number of GPUs (the larger of two), what is seen first. */
export const exampleCell = ({ gpus, streams, sees }: Omit<Grid, 'policies'>) => ({
  gpus: gpus[Math.floor(gpus.length / 2)]!,
  streams: streams.at(-1)!,
  sees: sees[0]!,
})
