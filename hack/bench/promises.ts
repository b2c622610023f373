/**
 * Scores what plans promise of windows on recorded ones (record-site.ts, record-heads.ts).
 *
 *   npm run bench -- promises RECORD.json…
 *
 * Sites of four cameras are gone through in order: present accuracy, estimates, a plan by `thief`, the promise; then trainings end by their
 * real cost, what passes the gate serves from then on, and the site learns from it. The plan chooses, so its promises are of the luckiest
 * estimates, as in operation. The next window's model is the record's all the same. Errors in points, standard errors by camera and record.
 */
import { readFile } from 'node:fs/promises'
import type { RetrainingConfiguration } from '../../operator/api/worker.ts'
import { estimate, type PastTraining } from '../../operator/profiler/estimator.ts'
import { windowPromise } from '../../operator/profiler/window-promise.ts'
import { policies } from '../../operator/scheduler/policies/registry.ts'
import type { Problem, RetrainingOption } from '../../operator/scheduler/problem.ts'
import { runWindow } from '../../operator/simulate/window-run.ts'
import { share } from './support/judging.ts'
import { mean } from './support/numbers.ts'
import { presentOf, type RecordedCamera, type RecordedWindow } from './support/record-site.ts'

/** One window of one stream. */
interface Outcome {
  readonly record: string
  readonly camera: string
  readonly window: RecordedWindow
  /** Of the window, as the plan computed it and as it was promised. */
  readonly planned: number
  readonly promised: number
  readonly realised: number
  readonly present: number
  /** Of the model in use on the rest of the window. */
  readonly presentTrue: number
  readonly training?: {
    readonly configuration: string
    readonly estimated: number
    /** Of the trained model on the window. */
    readonly true: number
    readonly plannedSeconds: number
    /** Null: not in the window. */
    readonly seconds: number | null
    readonly taken: boolean
  }
}

interface Variant {
  /** Whether micro-profiled models are measured on the running window. */
  readonly measured: boolean
}

const windowSeconds = 60
const together = 4
const minGain = 0.01
const windowsLookedBackOn = 8
/** The GPU is so fast that the costliest training takes this long on the whole of it. */
const costliestSeconds = 15
const partSeen = ({ soFar, right }: RecordedWindow): number => soFar.labelled / right.length

function goThrough(
  record: string,
  configurations: readonly RetrainingConfiguration[],
  cameras: readonly RecordedCamera[],
  { measured }: Variant,
): Outcome[] {
  const costliest = mean(
    cameras.flatMap(({ windows }) =>
      windows.map(({ trainings }) => Math.max(...trainings.map(each => each.gpuSeconds))),
    ),
  )
  const scaled = (option: RetrainingOption): RetrainingOption => ({
    ...option,
    gpuSeconds: (option.gpuSeconds * costliestSeconds) / costliest,
  })
  const past: Outcome[][] = []
  for (const w of Array.from({ length: cameras[0]!.windows.length }, (_, i) => i)) {
    const windows = cameras.map(camera => camera.windows[w]!)
    const history = past.toReversed().flat().flatMap(learned)
    const present = windows.map(presentOf)
    const estimates = windows.map(({ profiles, accuracy, soFar }, i) =>
      estimate({
        profiles: measured ? profiles : profiles.map(({ soFar: _, ...rest }) => rest),
        configurations,
        accuracy: {
          current: present[i]!.accuracy,
          validation: accuracy.validation,
          soFar: { current: soFar.current, weight: present[i]!.freshWeight },
        },
        history,
      }).map(scaled),
    )
    const problem = (options: (stream: number) => readonly RetrainingOption[]): Problem => ({
      remainingSeconds: windowSeconds,
      windowSeconds,
      step: 0.05,
      gpus: [{ node: 'edge', gpu: '0' }],
      streams: cameras.map(({ name }, i) => ({
        name,
        weight: 1,
        minAccuracy: 0,
        accuracyNow: present[i]!.accuracy,
        accuracySoFar: windows[i]!.soFar.current,
        inference: [
          {
            configuration: 'every-frame',
            profile: [
              [0.1, 1],
              [1, 1],
            ],
          },
        ],
        retraining: options(i),
      })),
    })
    const worth = problem(i => estimates[i]!.filter(o => o.accuracyAfter >= present[i]!.accuracy + minGain))
    const real = problem(i =>
      windows[i]!.trainings.map(({ configuration, right, gpuSeconds }) =>
        scaled({ configuration, accuracyAfter: share(right), gpuSeconds }),
      ),
    )
    const delaySeconds = mean(windows.map(partSeen)) * windowSeconds
    const { plan, results } = runWindow(real, worth, policies.thief!, {
      ...{ policyOptions: {}, delaySeconds },
      monotonicMs: () => 0,
    })
    const promises = past
      .slice(-windowsLookedBackOn)
      .flat()
      .map(({ promised: predicted, realised }) => ({ predicted, realised }))
    past.push(
      windows.map((window, i): Outcome => {
        const { retrainingConfiguration: configuration, ...item } = plan.items[i]!
        const trained = window.trainings.find(each => each.configuration === configuration)
        const seconds = trained === undefined ? null : results[i]!.completesAt
        const taken =
          trained !== undefined &&
          seconds !== null &&
          Math.max(...trained.validation) - window.accuracy.validation >= minGain
        const switched = taken ? Math.ceil((seconds / windowSeconds) * window.right.length) : undefined
        return {
          record,
          camera: cameras[i]!.name,
          window,
          planned: item.predictedWindow!,
          promised: windowPromise(item.predictedWindow!, promises),
          realised: share(
            switched === undefined
              ? window.right
              : window.right.slice(0, switched) + trained!.right.slice(switched),
          ),
          present: present[i]!.accuracy,
          presentTrue: share(window.right.slice(window.soFar.labelled)),
          ...(trained && {
            training: {
              configuration: trained.configuration,
              estimated: item.accuracyAfter!,
              true: share(trained.right),
              plannedSeconds: delaySeconds + (item.completesAtSeconds ?? windowSeconds),
              ...{ seconds, taken },
            },
          }),
        }
      }),
    )
  }
  return past.flat()
}

const learned = ({ training }: Outcome): PastTraining[] =>
  training?.taken === true
    ? [
        {
          configuration: training.configuration,
          estimated: { accuracyAfter: training.estimated },
          realised: { accuracyAfter: training.true },
        },
      ]
    : []

/** The window from its parts, of which some may be the true ones. */
function composed(outcome: Outcome, known: { present?: true; gain?: true; time?: true }): number {
  const { window, training } = outcome
  const seen = partSeen(window)
  const before = known.present ? outcome.presentTrue : outcome.present
  const after = known.gain ? training?.true : training?.estimated
  const seconds = known.time ? training?.taken && training.seconds : training?.plannedSeconds
  const switched = typeof seconds === 'number' ? Math.min(1, Math.max(seen, seconds / windowSeconds)) : 1
  return seen * window.soFar.current + (switched - seen) * before + (1 - switched) * (after ?? before)
}

/** Mean error of whoever knows what the models are worth on the scene, and not on the frames that are yet to come. */
function sampling({ realised, window }: Outcome): number {
  const left = 1 - partSeen(window)
  const labels = Math.max(1, left * window.independent)
  return Math.sqrt(2 / Math.PI) * left * Math.sqrt((realised * (1 - realised)) / labels)
}

function line(name: string, outcomes: readonly Outcome[], value: (outcome: Outcome) => number): void {
  const values = outcomes.map(value)
  const middle = mean(values)
  const groups = Map.groupBy(values.keys(), i => `${outcomes[i]!.record} ${outcomes[i]!.camera}`)
  const sums = [...groups.values()].map(own => own.reduce((sum, i) => sum + values[i]! - middle, 0))
  const spread = Math.sqrt(sums.reduce((sum, each) => sum + each ** 2, 0)) / values.length
  console.log(`${(100 * middle).toFixed(2).padStart(7)} ± ${(100 * spread).toFixed(2)}  ${name}`)
}

const sites = (cameras: readonly RecordedCamera[]): RecordedCamera[][] =>
  cameras.length <= together
    ? [[...cameras]]
    : Array.from({ length: Math.floor(cameras.length / 2) }, (_, site) =>
        Array.from({ length: together }, (_, i) => cameras[(2 * site + i) % cameras.length]!),
      )

const error = ({ promised, realised }: Outcome): number => Math.abs(promised - realised)
const outcomesOf = async (variant: Variant): Promise<Outcome[]> => {
  const all: Outcome[] = []
  for (const file of process.argv.slice(2)) {
    const { configurations, cameras } = JSON.parse(await readFile(file, 'utf8')) as {
      configurations: RetrainingConfiguration[]
      cameras: RecordedCamera[]
    }
    for (const site of sites(cameras)) all.push(...goThrough(file, configurations, site, variant))
  }
  return all
}
const outcomes = await outcomesOf({ measured: true })
const others = await outcomesOf({ measured: false })
const retrained = outcomes.filter(({ training }) => training !== undefined)
const windowError = (known: Parameters<typeof composed>[1]) => (outcome: Outcome) =>
  Math.abs(composed(outcome, known) - outcome.realised)

console.log(`${outcomes.length} promises, ${retrained.length} of streams that retrain`)
line('error of what was promised', outcomes, error)
line('bias of it', outcomes, ({ promised, realised }) => promised - realised)
line('error with micro-profiles measured on validation frames alone', others, error)
line('difference of the two', outcomes, o => error(o) - error(others[outcomes.indexOf(o)]!))
line('error of what was planned, without what past promises teach', outcomes, o =>
  Math.abs(o.planned - o.realised),
)
line('… had the present accuracy been known', outcomes, windowError({ present: true }))
line('… had the trained models been known', outcomes, windowError({ gain: true }))
line('… had the time of the new model been known', outcomes, windowError({ time: true }))
line('… had all three been known', outcomes, windowError({ present: true, gain: true, time: true }))
line('error by the luck of the frames yet to come alone', outcomes, sampling)
line('error of the present accuracy', outcomes, o => Math.abs(o.present - o.presentTrue))
line('error of the trained model', retrained, ({ training }) =>
  Math.abs(training!.estimated - training!.true),
)
line('bias of it', retrained, ({ training }) => training!.estimated - training!.true)
