/**
 * Scores the operator's estimators on recorded windows (record-site.ts).
 *
 *   npm run bench -- estimators RECORD.json…
 *
 * Windows are gone through in order; as at a site, what is known is what micro-profiles said and what the trainings came to that were
 * taken. Every configuration's estimate is held against what it came to on the frames of the window that was planned.
 */
import { readFile } from 'node:fs/promises'
import type { RetrainingConfiguration } from '../../operator/api/worker.ts'
import { estimate, type PastTraining } from '../../operator/profiler/estimator.ts'
import { fitOutcomes, type WindowRecord } from '../../operator/profiler/pooled/outcome-model.ts'
import { revisedAccuracy } from '../../operator/profiler/revision.ts'
import { share } from './support/judging.ts'
import { mean } from './support/numbers.ts'
import { presentOf, type RecordedCamera, type RecordedWindow } from './support/record-site.ts'

interface Measured {
  readonly camera: string
  readonly window: RecordedWindow
  readonly current: number
  readonly freshWeight: number
  /** By the micro-profiles alone. */
  readonly options: readonly {
    readonly configuration: string
    readonly accuracyAfter: number
    readonly gpuSeconds: number
  }[]
}

interface Past extends Measured {
  /** As the estimator said. */
  readonly estimates: readonly number[]
}

type Estimator = (one: Measured, present: readonly Measured[], past: readonly Past[]) => number[]

const points = (value: number): string => (100 * value).toFixed(2).padStart(7)

const cameOf = ({ window }: Measured, configuration: string): number =>
  share(window.trainings.find(each => each.configuration === configuration)!.right)
const knownOutcome = (
  one: Measured,
): { readonly configuration: string; readonly accuracy: number } | undefined =>
  one.window.chosen?.taken === true
    ? {
        configuration: one.window.chosen.configuration,
        accuracy: cameOf(one, one.window.chosen.configuration),
      }
    : undefined

function measured(
  { name, windows }: RecordedCamera,
  w: number,
  configurations: readonly RetrainingConfiguration[],
): Measured[] {
  const window = windows[w]
  if (window === undefined) return []
  const { accuracy: current, freshWeight } = presentOf(window)
  const one = { current, freshWeight }
  const scale = scaleOf(window, one)
  const options = estimate({ profiles: window.profiles, configurations, accuracy: scale })
  return [{ camera: name, window, ...one, options }]
}

const scaleOf = (
  { accuracy, soFar }: RecordedWindow,
  { current, freshWeight: weight }: Pick<Measured, 'current' | 'freshWeight'>,
) => ({ current, validation: accuracy.validation, soFar: { current: soFar.current, weight } })

const estimators = (configurations: readonly RetrainingConfiguration[]): Record<string, Estimator> => ({
  'micro-profile': ({ options }) => options.map(({ accuracyAfter }) => accuracyAfter),
  ekya: (one, _, past) => {
    const history = past.toReversed().flatMap((each): PastTraining[] => {
      const known = knownOutcome(each)
      if (known === undefined) return []
      const { configuration, accuracy: accuracyAfter } = known
      const at = each.options.findIndex(option => option.configuration === configuration)
      const estimated = { accuracyAfter: each.estimates[at]! }
      return [{ configuration, estimated, realised: { accuracyAfter } }]
    })
    const accuracy = scaleOf(one.window, one)
    return estimate({ profiles: one.window.profiles, configurations, accuracy, history }).map(
      o => o.accuracyAfter,
    )
  },
  pooled: (one, present, past) => {
    const record = (each: Measured, outcome = knownOutcome(each)): WindowRecord => ({
      accuracyBefore: each.current,
      trainings: each.options.map(({ configuration, gpuSeconds, accuracyAfter }) => ({
        ...{ configuration, gpuSeconds, estimate: accuracyAfter },
        ...(outcome?.configuration === configuration ? { outcome: outcome.accuracy } : {}),
      })),
    })
    const streams = present.map(each => [
      ...past.filter(({ camera }) => camera === each.camera).map(old => record(old)),
      { ...record(each, undefined), trainings: record(each).trainings.map(({ outcome: _, ...t }) => t) },
    ])
    const at = present.indexOf(one)
    return fitOutcomes(streams)
      .predict(at, streams[at]!.length - 1)
      .map(d => d.mean)
  },
})

for (const file of process.argv.slice(2)) {
  const { configurations, cameras } = JSON.parse(await readFile(file, 'utf8')) as {
    configurations: RetrainingConfiguration[]
    cameras: RecordedCamera[]
  }
  console.log(`${file}: ${cameras.length} cameras, points of accuracy\n  error    bias  regret  estimator`)
  for (const [name, estimator] of Object.entries(estimators(configurations))) {
    const past: Past[] = []
    for (let w = 0; w < Math.max(...cameras.map(({ windows }) => windows.length)); w++) {
      const present = cameras.flatMap(camera => measured(camera, w, configurations))
      past.push(...present.map(one => ({ ...one, estimates: estimator(one, present, past) })))
    }
    const errors = past.flatMap(one =>
      one.options.map(({ configuration }, i) => one.estimates[i]! - cameOf(one, configuration)),
    )
    const regrets = past.map(one => {
      const came = one.options.map(({ configuration }) => cameOf(one, configuration))
      return Math.max(...came) - came[one.estimates.indexOf(Math.max(...one.estimates))]!
    })
    console.log(
      `${points(mean(errors.map(Math.abs)))} ${points(mean(errors))} ${points(mean(regrets))}  ${name}`,
    )
    if (name !== 'ekya') continue
    for (const part of [0.2, 0.4, 0.6, 0.8])
      console.log(
        `${points(mean(past.flatMap(one => revisedErrors(one, configurations, part))))}  after ${100 * part} % of the epochs`,
      )
  }
}

function revisedErrors(
  one: Past,
  configurations: readonly RetrainingConfiguration[],
  part: number,
): number[] {
  return one.window.trainings.map(({ configuration: name, validation }) => {
    const seen = validation.slice(0, Math.max(1, Math.round(part * validation.length)))
    const profile = one.window.profiles.find(each => each.configuration === name)
    const revised = revisedAccuracy({
      estimated: one.estimates[one.options.findIndex(each => each.configuration === name)]!,
      configuration: configurations.find(each => each.name === name)!,
      accuracy: { validation: one.window.accuracy.validation, current: one.current },
      points: seen.map((accuracy, i) => [i + 1, accuracy] as const),
      ...(profile === undefined ? {} : { profile }),
    })
    return Math.abs(revised - cameOf(one, name))
  })
}
