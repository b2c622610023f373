/**
 * What to believe of estimated accuracies: an estimate is a measurement with an error, not the truth, and whoever picks the highest of
 * many picks the luckiest error. So each is drawn towards what all estimates of the problem have in common, the more the less
 * they can be trusted.
 *
 *   estimate = mean + stream + configuration + interaction + error,   configuration = slope × log GPU-seconds + rest
 *
 * Stream, rest and interaction are normal with mean 0; their variances come from the spread of the estimates themselves (method of
 * moments), less what the errors explain. What is planned with is the mean of the posterior (best linear unbiased prediction). Plans are
 * linear in the accuracies once trainings are chosen, so the mean is what maximises the expected value; no option wins for its spread.
 *
 * The estimates of one stream come from the same few test images, so their errors have a part in common: it cannot be told from the
 * stream's own effect by looking at the estimates, and has to be assumed.
 */
import { trainable } from '../objective.ts'
import type { Problem, RetrainingOption } from '../problem.ts'

/**
 * Standard deviation that explains the median error of Ekya's micro-profiles, 5.8 points (Ekya §6.3, Fig. 11a), were they normal. For
 * who has estimates and no record of their errors.
 */
export const microProfileError = 0.058 / 0.6745

/** Part of an error's variance that the estimates of one stream share. */
const commonPart = 0.5
const rounds = 20

interface Estimate {
  readonly stream: number
  readonly configuration: string
  readonly value: number
  readonly error: number
  readonly logWork: number
}

/** The problem with accuracies as they are to be believed; the same one where nothing is uncertain. */
export function believed(problem: Problem): Problem {
  const estimates = problem.streams.flatMap((stream, i) =>
    trainable(stream).map(option => ({
      stream: i,
      configuration: option.configuration,
      value: option.accuracyAfter,
      error: option.accuracyError ?? 0,
      logWork: Math.log(Math.max(1e-3, option.gpuSeconds)),
    })),
  )
  if (estimates.every(e => e.error <= 0)) return problem
  const posterior = posteriorOf(estimates)
  const revise =
    (stream: number) =>
    (option: RetrainingOption): RetrainingOption => {
      if ((option.accuracyError ?? 0) <= 0) return option
      return { ...option, accuracyAfter: Math.min(1, Math.max(0, posterior(stream, option))) }
    }
  return {
    ...problem,
    streams: problem.streams.map((stream, i) => ({
      ...stream,
      retraining: stream.retraining.map(revise(i)),
      ...(stream.running === undefined ? {} : { running: revise(i)(stream.running) }),
    })),
  }
}

function posteriorOf(estimates: readonly Estimate[]): (stream: number, option: RetrainingOption) => number {
  const errorVariance = mean(estimates.map(e => e.error ** 2))
  const streams = grouped(estimates, e => e.stream)
  const configurations = grouped(estimates, e => e.configuration)
  const center = mean(estimates.map(e => e.value))
  const raw = unshrunk(estimates, center)
  const own = errorVariance * (1 - commonPart)
  const common = errorVariance * commonPart
  const interaction = Math.max(0, raw.residual - own)
  const spreadOfStreams = variance([...raw.streams.values()])
  const perStream = mean([...streams.values()].map(s => 1 / s.length))
  const stream = Math.max(0, spreadOfStreams - common - (interaction + own) * perStream)
  const slope = slopeOf(configurations, raw.configurations)
  const works = new Map([...configurations].map(([name, of]) => [name, mean(of.map(e => e.logWork))]))
  const middle = mean([...works.values()])
  const base = (name: string): number => slope * ((works.get(name) ?? middle) - middle)
  const perConfiguration = mean([...configurations.values()].map(c => 1 / c.length))
  const spreadOfRest = variance([...raw.configurations].map(([name, effect]) => effect - base(name)))
  const rest = Math.max(0, spreadOfRest - (interaction + own) * perConfiguration)

  const shrunk = (count: number, prior: number, each: number, shared: number): number =>
    prior <= 0 ? 0 : prior / (prior + shared + each / count)
  const ofStream = new Map<number, number>()
  const ofConfiguration = new Map([...configurations.keys()].map(name => [name, base(name)]))
  for (let round = 0; round < rounds; round++) {
    for (const [i, own_] of streams) {
      const gap = mean(own_.map(e => e.value - center - ofConfiguration.get(e.configuration)!))
      ofStream.set(i, shrunk(own_.length, stream, interaction + own, common) * gap)
    }
    for (const [name, of] of configurations) {
      const gap = mean(of.map(e => e.value - center - ofStream.get(e.stream)! - base(name)))
      ofConfiguration.set(name, base(name) + shrunk(of.length, rest, interaction + own, 0) * gap)
    }
  }
  return (i, { configuration, accuracyAfter, accuracyError = 0 }) => {
    const expected = center + (ofStream.get(i) ?? 0) + (ofConfiguration.get(configuration) ?? 0)
    const noise = accuracyError ** 2
    return expected + (interaction / (interaction + noise)) * (accuracyAfter - expected)
  }
}

/** Effects as if there were no errors, and the mean square of what they leave. */
function unshrunk(estimates: readonly Estimate[], center: number) {
  const streams = grouped(estimates, e => e.stream)
  const configurations = grouped(estimates, e => e.configuration)
  const ofStream = new Map([...streams.keys()].map(i => [i, 0]))
  const ofConfiguration = new Map([...configurations.keys()].map(name => [name, 0]))
  for (let round = 0; round < rounds; round++) {
    for (const [i, own] of streams)
      ofStream.set(i, mean(own.map(e => e.value - center - ofConfiguration.get(e.configuration)!)))
    for (const [name, of] of configurations)
      ofConfiguration.set(name, mean(of.map(e => e.value - center - ofStream.get(e.stream)!)))
  }
  let square = 0
  for (const e of estimates)
    square += (e.value - center - ofStream.get(e.stream)! - ofConfiguration.get(e.configuration)!) ** 2
  const freedom = Math.max(1, estimates.length - streams.size - configurations.size + 1)
  return { streams: ofStream, configurations: ofConfiguration, residual: square / freedom }
}

/** Accuracy per unit of log GPU-seconds over the configurations; never negative: more work does no harm on the whole. */
function slopeOf(
  configurations: ReadonlyMap<string, readonly Estimate[]>,
  effects: ReadonlyMap<string, number>,
): number {
  const points = [...configurations].map(
    ([name, of]) => [mean(of.map(e => e.logWork)), effects.get(name)!] as const,
  )
  const [mx, my] = [mean(points.map(p => p[0])), mean(points.map(p => p[1]))]
  let [xy, xx] = [0, 0]
  for (const [x, y] of points) {
    xy += (x - mx) * (y - my)
    xx += (x - mx) ** 2
  }
  return xx > 1e-9 ? Math.max(0, xy / xx) : 0
}

function grouped<K>(estimates: readonly Estimate[], key: (e: Estimate) => K): Map<K, Estimate[]> {
  const groups = new Map<K, Estimate[]>()
  for (const e of estimates) groups.set(key(e), [...(groups.get(key(e)) ?? []), e])
  return groups
}

const mean = (values: readonly number[]): number =>
  values.length === 0 ? 0 : values.reduce((a, b) => a + b, 0) / values.length

function variance(values: readonly number[]): number {
  if (values.length < 2) return 0
  const m = mean(values)
  return values.reduce((sum, v) => sum + (v - m) ** 2, 0) / (values.length - 1)
}
