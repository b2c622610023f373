/** How much the result of one cell depends on Δ, on the window's length and on wrong estimates: one of them varies, the rest stays. */
import type { Cell, Failed, PolicyChoice, Run, RunResult, SiteSettings } from './run.ts'
import { failed, inHindsight } from './run.ts'

/** Δ, in GPUs. */
export const steps = [1, 0.5, 0.25, 0.1, 0.05]
/** Seconds. */
export const windowLengths = [50, 100, 200, 400, 600]
/** ε, in accuracy. */
export const deviations = [0, 0.05, 0.1, 0.2, 0.5]
/** As many noises of each ε; one alone says little. */
export const draws = 5

export type Varied = Exclude<Run['experiment'], 'grid'>

/** A point of a sensitivity curve. */
export interface SensitivityPoint {
  readonly policy: string
  /** Of what varies: Δ in GPUs, the window in seconds, or ε in accuracy. */
  readonly value: number
  /** Mean over the draws; null: a run failed. */
  readonly meanAccuracy: number | null
  /** Of the draws. */
  readonly lowest?: number
  readonly highest?: number
  readonly error?: string
}

/**
 * Windows too short for the delay are left out, and with estimates what is chosen in hindsight: it is told none.
 *
 * @param seed of the noise.
 */
export function sensitivityRuns(
  cell: Cell,
  policies: readonly PolicyChoice[],
  site: SiteSettings,
  seed: number,
): Run[] {
  const each = (varied: Pick<Run, 'experiment'> & Partial<Run>): Run[] =>
    policies
      .filter(policy => (varied.sees ?? cell.sees) === 'actual' || !inHindsight(policy))
      .map(policy => ({ ...site, ...cell, ...varied, policy }))
  return [
    ...steps.flatMap(step => each({ experiment: 'step', step })),
    ...windowLengths
      .filter(windowSeconds => windowSeconds > site.delaySeconds)
      .flatMap(windowSeconds => each({ experiment: 'window', windowSeconds })),
    ...deviations.flatMap(deviation =>
      Array.from({ length: deviation === 0 ? 1 : draws }, (_, draw) => `${seed}/${draw}`).flatMap(drawn =>
        each({ experiment: 'noise', sees: 'estimate', noise: { deviation, seed: drawn } }),
      ),
    ),
  ]
}

/** What varies in the run. */
export function variedValue(run: Run): number {
  if (run.experiment === 'noise') return run.noise!.deviation
  return run.experiment === 'window' ? run.windowSeconds : run.step
}

/** The curves of one experiment, in the order of the runs. */
export function sensitivityPoints(
  varied: Varied,
  runs: readonly Run[],
  outcomes: readonly RunResult[],
): SensitivityPoint[] {
  const groups = new Map<string, { readonly run: Run; readonly outcomes: RunResult[] }>()
  runs.forEach((run, i) => {
    if (run.experiment !== varied) return
    const key = `${variedValue(run)}/${run.policy.label}`
    const group = groups.get(key) ?? { run, outcomes: [] }
    group.outcomes.push(outcomes[i]!)
    groups.set(key, group)
  })
  return [...groups.values()].map(({ run, outcomes }) => point(run, outcomes))
}

function point(run: Run, outcomes: readonly RunResult[]): SensitivityPoint {
  const [policy, value] = [run.policy.label, variedValue(run)]
  const failure = outcomes.find((outcome): outcome is Failed => failed(outcome))
  if (failure !== undefined) return { policy, value, meanAccuracy: null, error: failure.error }
  const means = outcomes.map(outcome => (failed(outcome) ? Number.NaN : outcome.meanAccuracy))
  const meanAccuracy = means.reduce((a, b) => a + b, 0) / means.length
  if (means.length === 1) return { policy, value, meanAccuracy }
  return { policy, value, meanAccuracy, lowest: Math.min(...means), highest: Math.max(...means) }
}
