/**
 * Which retraining configurations the profile pods of a window micro-profile, and in which order. Asked once when the window begins, of what
 * the status says of earlier windows, so whoever asks again after a crash gets the same answer. Nobody waits for the answer but profile pods
 * that are to be made.
 *
 *   first          of what nobody knows the cost: without one it cannot be offered
 *   then           by what the micro-profile is worth (profiler/pooled/what-to-profile.ts)
 *   left out       what is far below the Pareto front (profiler/pruning.ts), and with the estimator `pooled` what would change no choice
 *
 * A pod works it off as far as its budget and its time go.
 */
import { parseDuration } from '../../api/duration.ts'
import { sharedTraining } from '../../api/shared-training.ts'
import { activeStreams, type SiteSnapshot } from '../../cluster/snapshot.ts'
import { keyOf } from '../../kube/objects.ts'
import type { SiteProfilingQuestion } from '../../profiler/pooled/site-profiling.ts'
import { PlanningFailed } from '../planning/thread.ts'
import { profilingTarget } from './profiling-time.ts'
import { configurationsWorthTrying, lastKnownCosts, windowRecords } from './site-record.ts'
import type { Note } from './step.ts'

/** By stream: names of configurations, all that are to be micro-profiled, in this order. A stream that is not in it has none. */
export type ProfilingOrder = ReadonlyMap<string, readonly string[]>

export interface ProfilingSolver {
  profiling(request: SiteProfilingQuestion): Promise<readonly (readonly string[])[]>
}

interface Asked {
  readonly names: readonly string[]
  /** By stream. */
  readonly unknown: readonly (readonly string[])[]
  readonly question: SiteProfilingQuestion
}

/** Undefined where no window was profiled yet: nothing tells one configuration from another. */
export function profilingQuestion(site: SiteSnapshot): Asked | undefined {
  const { history = [], current } = site.window.status ?? {}
  const { retraining, duration, microProfiler } = site.window.spec
  const streams = activeStreams(site)
  const records = streams.map(({ name }) => windowRecords(history, name))
  const served = records.map(of => of.findLast(each => each.accuracyBefore !== undefined)?.accuracyBefore)
  const known = served.filter(each => each !== undefined)
  if (current === undefined || site.gpus.length === 0 || known.length === 0) return undefined
  const mean = known.reduce((a, b) => a + b, 0) / known.length
  const all = retraining.configurations.map(({ name }) => name)
  const worthTrying = configurationsWorthTrying(all, history, current.index)
  const lastCost = lastKnownCosts(history)
  const costs = streams.map(({ name: stream }) =>
    worthTrying.map(configuration => ({
      configuration,
      gpuSeconds: lastCost(stream, configuration),
    })),
  )
  const seconds = parseDuration(duration)
  const gpusEach = Math.min(1, site.gpus.length / streams.length)
  return {
    names: streams.map(({ name }) => name),
    unknown: costs.map(of => of.flatMap(each => (each.gpuSeconds === undefined ? [each.configuration] : []))),
    question: {
      streams: records.map((windows, s) => ({
        windows: [
          ...windows,
          {
            trainings: costs[s]!.flatMap(({ configuration, gpuSeconds }) =>
              gpuSeconds === undefined ? [] : [{ configuration, gpuSeconds }],
            ),
          },
        ],
        served: served[s] ?? mean,
      })),
      groups: Object.fromEntries(
        retraining.configurations.map(each => [each.name, sharedTraining(each)] as const),
      ),
      windowGpuSeconds: (1 - profilingTarget) * seconds * gpusEach,
      chosenUnprofiled: microProfiler.estimator === 'pooled',
    },
  }
}

export interface OrderedProfiling {
  readonly order?: ProfilingOrder
  /** It is being made. */
  readonly awaited?: true
  readonly notes: readonly Note[]
}

export interface ProfilingOrders {
  /** What there is by now. Each window is asked for once. @throws what the solver did, unless that is a PlanningFailed. */
  of(site: SiteSnapshot): OrderedProfiling
  /** @param key of a RetrainingWindow that is gone. */
  forget(key: string): void
}

interface Answer {
  readonly window: string
  state: 'awaited' | 'given' | 'told'
  order?: ProfilingOrder
  failure?: unknown
}

export function profilingOrders(solver: ProfilingSolver): ProfilingOrders {
  /** By the RetrainingWindow's key. */
  const answers = new Map<string, Answer>()
  const waitFor = async (answer: Answer, asked: Asked): Promise<void> => {
    try {
      answer.order = await orderOf(asked, solver)
    } catch (failure) {
      answer.failure = failure
    }
    answer.state = 'given'
  }
  const ask = (site: SiteSnapshot, window: string): Answer => {
    const asked = profilingQuestion(site)
    const answer: Answer = { window, state: asked === undefined ? 'given' : 'awaited' }
    if (asked !== undefined) void waitFor(answer, asked)
    return answer
  }
  const orderFor = (site: SiteSnapshot): OrderedProfiling => {
    const { phase, index = 0 } = site.window.status?.current ?? {}
    if (index === 0 || (phase !== 'Labeling' && phase !== 'Profiling')) return { notes: [] }
    const { uid, generation } = site.window.metadata
    const key = keyOf(site.window)
    const window = JSON.stringify([uid, index, generation, activeStreams(site).map(({ name }) => name)])
    const last = answers.get(key)
    const answer = last?.window === window ? last : ask(site, window)
    answers.set(key, answer)
    const { state, order, failure } = answer
    if (state === 'awaited') return { awaited: true, notes: [] }
    answer.state = 'told'
    // Not asked for again where it failed: profile pods must not wait as long again.
    const ordered = order === undefined ? {} : { order }
    if (state === 'told' || failure === undefined) return { ...ordered, notes: [] }
    if (!(failure instanceof PlanningFailed)) throw failure
    const message = `window ${index}: what to micro-profile first is not known, the cheapest are: ${failure.message}`
    return { notes: [{ type: 'Warning', reason: 'PlanFailed', message }] }
  }
  return { of: orderFor, forget: key => void answers.delete(key) }
}

async function orderOf(
  { names, unknown, question }: Asked,
  solver: ProfilingSolver,
): Promise<ProfilingOrder> {
  const orders = await solver.profiling(question)
  return new Map(names.map((name, s) => [name, [...unknown[s]!, ...orders[s]!]]))
}
