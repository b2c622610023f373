/** A whole comparison: all runs in the worker pool → one record, the same for the same question whatever the number of threads. */
import type { Trace } from '../trace.ts'
import type { Sees } from '../trace-problem.ts'
import { type Capacity, type CellResult, capacities } from './capacity.ts'
import { exampleCell, type Grid, gridRuns } from './grid.ts'
import type { HeldOverTime } from './held-over-time.ts'
import { type Cell, failed, inHindsight, type Run, type RunResult, type SiteSettings } from './run.ts'
import { draws, type SensitivityPoint, sensitivityPoints, sensitivityRuns } from './sensitivity.ts'
import { onSite } from './words.ts'
import { runAll } from './worker-pool.ts'

export interface ComparisonOptions extends Grid, SiteSettings {
  /** How the record calls the trace. */
  readonly file: string
  /** Accuracies at which capacity is told. */
  readonly targets: readonly number[]
  /** Of the noise. */
  readonly seed: number
  readonly sensitivity: boolean
  /** Threads. */
  readonly jobs: number
  readonly onDone?: (progress: Progress) => void
}

export interface Progress {
  readonly run: Run
  readonly done: number
  readonly total: number
}

export interface Comparison {
  readonly trace: {
    readonly file: string
    readonly source: string | null
    /** The most windows that a stream has. */
    readonly windows: number
  }
  readonly settings: SiteSettings & {
    readonly gpus: readonly number[]
    readonly streams: readonly number[]
    readonly sees: readonly Sees[]
    /** As they were asked for. */
    readonly policies: readonly string[]
    /** Those of them that are chosen in hindsight: they see what comes true, so cells that see estimates have none of them. */
    readonly inHindsight: readonly string[]
    readonly targets: readonly number[]
    readonly seed: number
  }
  readonly cells: readonly ComparedCell[]
  readonly capacity: readonly Capacity[]
  /** Of one cell; null: not asked for. */
  readonly sensitivity: Sensitivity | null
  readonly allocation: Cell & { readonly policies: readonly PolicyAllocation[] }
}

export interface ComparedCell extends CellResult {
  /** Mean accuracy by window, none where the policy failed. */
  readonly windows: readonly number[]
  readonly error?: string
}

export interface Sensitivity extends Cell {
  /** Noises of each ε over which `noise` is a mean. */
  readonly draws: number
  readonly step: readonly SensitivityPoint[]
  readonly window: readonly SensitivityPoint[]
  readonly noise: readonly SensitivityPoint[]
}

export interface PolicyAllocation {
  readonly policy: string
  /** null: the policy failed. */
  readonly allocation: HeldOverTime | null
}

export async function compare(trace: Trace, options: ComparisonOptions): Promise<Comparison> {
  const { policies, windowSeconds, step, delaySeconds, resizeSeconds, knowsLeftOut, seed, jobs } = options
  const site = { windowSeconds, step, delaySeconds, resizeSeconds, knowsLeftOut }
  const example = exampleCell(options)
  const ofGrid = gridRuns(options, site)
  const ofSensitivity = options.sensitivity ? sensitivityRuns(example, policies, site, seed) : []
  // The grid's largest cells are begun first, see the pool.
  const runs = [...ofSensitivity, ...ofGrid]
  const outcomes = await runAll(trace, runs, {
    jobs,
    onDone: (run, done) => options.onDone?.({ run, done, total: runs.length }),
  })
  const gridOutcomes = outcomes.slice(ofSensitivity.length)
  const cells = ofGrid.map((run, i) => comparedCell(run, gridOutcomes[i]!))
  const curve = (varied: 'step' | 'window' | 'noise') => sensitivityPoints(varied, ofSensitivity, outcomes)
  return {
    trace: {
      file: options.file,
      source: trace.source ?? null,
      windows: Math.max(...trace.streams.map(stream => stream.windows.length)),
    },
    settings: {
      gpus: options.gpus,
      streams: options.streams,
      sees: options.sees,
      policies: policies.map(policy => policy.label),
      inHindsight: policies.filter(inHindsight).map(policy => policy.label),
      ...site,
      targets: options.targets,
      seed,
    },
    cells,
    capacity: capacities(cells, options.targets),
    sensitivity: options.sensitivity
      ? { ...example, draws, step: curve('step'), window: curve('window'), noise: curve('noise') }
      : null,
    allocation: {
      ...example,
      policies: ofGrid.flatMap((run, i): PolicyAllocation[] => {
        if (run.keepsAllocation !== true) return []
        const outcome = gridOutcomes[i]!
        return [
          { policy: run.policy.label, allocation: failed(outcome) ? null : (outcome.allocation ?? null) },
        ]
      }),
    },
  }
}

function comparedCell({ gpus, streams, sees, policy }: Run, outcome: RunResult): ComparedCell {
  const cell = { gpus, streams, sees, policy: policy.label }
  return failed(outcome)
    ? { ...cell, meanAccuracy: null, windows: [], error: outcome.error }
    : { ...cell, meanAccuracy: outcome.meanAccuracy, windows: outcome.windows }
}

/** Why what sees estimates leaves some policies out, undefined: it leaves out none. */
export function hindsightNote({ inHindsight }: Comparison['settings']): string | undefined {
  return inHindsight.length === 0
    ? undefined
    : `no estimates for ${inHindsight.join(', ')}: chosen in hindsight, by what comes true`
}

/** What some cell's policy was told, in the order of the cells. */
export const seenIn = (cells: readonly Pick<Cell, 'sees'>[]): Sees[] => [
  ...new Set(cells.map(({ sees }) => sees)),
]

/** Everything that failed, each as a sentence that says where. */
export function failures({ cells, sensitivity }: Comparison): string[] {
  const ofCells = cells.flatMap(({ policy, sees, error, ...cell }) =>
    error === undefined ? [] : [`${policy} with ${onSite(cell)}, sees ${sees}: ${error}`],
  )
  if (sensitivity === null) return ofCells
  const told = {
    step: (value: number) => `Δ ${value}`,
    window: (value: number) => `windows of ${value} s`,
    noise: (value: number) => `ε ${value}`,
  }
  return [
    ...ofCells,
    ...(['step', 'window', 'noise'] as const).flatMap(varied =>
      sensitivity[varied].flatMap(({ policy, value, error }) =>
        error === undefined
          ? []
          : [`${policy} with ${onSite(sensitivity)}, ${told[varied](value)}: ${error}`],
      ),
    ),
  ]
}
