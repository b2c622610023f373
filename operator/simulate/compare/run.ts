/**
 * One run of a comparison: a policy on the first streams of a trace, with a site's settings. Plain data, so that runs and outcomes can
 * pass between threads.
 */
import type { PolicyOptions } from '../../scheduler/plan.ts'
import { policy as policyNamed } from '../../scheduler/policies/registry.ts'
import { simulate } from '../simulate.ts'
import type { Trace } from '../trace.ts'
import { recordOf, type Sees } from '../trace-problem.ts'
import { type HeldOverTime, heldOverTime } from './held-over-time.ts'
import { type Noise, withNoise } from './noise.ts'

export interface PolicyChoice {
  /** How it was asked for; tells it from the others of a comparison. */
  readonly label: string
  /** In the registry. */
  readonly name: string
  readonly options: PolicyOptions
}

/** Chosen when all is over: whatever is asked, it is told what comes true and nothing else. */
export const inHindsight = ({ name }: PolicyChoice): boolean => policyNamed(name).hindsight !== undefined

/** What varies within a comparison. */
export interface Cell {
  /** In the pool, > 0. */
  readonly gpus: number
  /** The first so many of the trace, at most as many as it has. */
  readonly streams: number
  /** What the policy is told. */
  readonly sees: Sees
}

export interface SiteSettings {
  readonly windowSeconds: number
  /** Δ, a fraction of one GPU. */
  readonly step: number
  /** Seconds until a window can be planned, less than the window. */
  readonly delaySeconds: number
  readonly resizeSeconds: number
  /** Where estimates are seen: what retraining the streams came to that a cell leaves out is known from before. */
  readonly knowsLeftOut: boolean
}

export interface Run extends Cell, SiteSettings {
  readonly experiment: 'grid' | 'step' | 'window' | 'noise'
  readonly policy: PolicyChoice
  /** What the policy is told is made from what comes true and this; needs `sees` to be `estimate`. */
  readonly noise?: Noise
  /** What all jobs hold over time is wanted. */
  readonly keepsAllocation?: boolean
}

export type RunResult = Reached | Failed

export interface Reached {
  /** Over the streams of a window, then over the windows. */
  readonly meanAccuracy: number
  /** By window. */
  readonly windows: readonly number[]
  readonly allocation?: HeldOverTime
}

export interface Failed {
  readonly error: string
}

export const failed = (outcome: RunResult): outcome is Failed => 'error' in outcome

/** Never throws: whatever goes wrong in a policy is the outcome of its run. */
export function carryOut(trace: Trace, run: Run): RunResult {
  try {
    const { policy, keepsAllocation = false, knowsLeftOut, ...site } = run
    const chosen = { ...trace, streams: trace.streams.slice(0, run.streams) }
    const told = run.noise === undefined ? chosen : withNoise(chosen, run.noise)
    const { meanAccuracy, windows } = simulate(told, policyNamed(policy.name), {
      ...site,
      // How wrong estimates may be is known of a way of estimating, if not by how much each is.
      ...(run.noise === undefined ? {} : { estimateError: run.noise.deviation }),
      record: knowsLeftOut ? recordOf(trace.streams.slice(run.streams)) : [],
      policy: policy.label,
      policyOptions: policy.options,
    })
    return {
      meanAccuracy,
      windows: windows.map(window => window.meanAccuracy),
      ...(keepsAllocation ? { allocation: heldOverTime(chosen, windows, run.windowSeconds) } : {}),
    }
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) }
  }
}
