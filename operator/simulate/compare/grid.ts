/** The runs of the grid, in the order in which they are reported: GPUs, streams, what is seen, policies. */
import type { Sees } from '../trace-problem.ts'
import type { PolicyChoice, Run, SiteSettings } from './run.ts'

export interface Grid {
  /** Rising, none twice. */
  readonly gpus: readonly number[]
  /** Rising, none twice. */
  readonly streams: readonly number[]
  readonly sees: readonly Sees[]
  readonly policies: readonly PolicyChoice[]
}

export function gridRuns(grid: Grid, site: SiteSettings): Run[] {
  const { gpus, streams, sees } = exampleCell(grid)
  return grid.gpus.flatMap(g =>
    grid.streams.flatMap(n =>
      grid.sees.flatMap(s =>
        grid.policies.map(
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
