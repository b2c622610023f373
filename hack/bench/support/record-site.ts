/**
 * Windows of one camera as a site without an operator would see them: what the profile worker measures and micro-profiles, and what every
 * retraining configuration comes to on the window that is planned, frame by frame. One of the configurations, drawn at random, is taken
 * where it passes the gate, so that what a record holds of outcomes does not depend on any estimator.
 */
import type { MicroProfile, RetrainingConfiguration } from '../../../operator/api/worker.ts'
import { freshWeight, presentAccuracy } from '../../../operator/profiler/present-accuracy.ts'
import { createTrainer } from '../../../workers/learning/trainer.ts'
import { random } from '../../../workers/models/random.ts'
import { independentLabels } from '../../../workers/profile/independent-labels.ts'
import { microProfile, sampleOf } from '../../../workers/profile/micro-profiler.ts'
import { type CameraSource, firstOnes, type SplitOptions, splitFor } from './cameras.ts'
import { rightOf, share } from './judging.ts'
import { mean, range } from './numbers.ts'

export interface RecordedTraining {
  readonly configuration: string
  /** Validation accuracy after each epoch. */
  readonly validation: readonly number[]
  readonly gpuSeconds: number
  /** Of the best model on each frame of the window that is planned, in the order of time: 1 is right. */
  readonly right: string
}

export interface RecordedWindow {
  readonly window: number
  readonly accuracy: {
    readonly current: number
    readonly validation: number
    readonly independent: number
  }
  readonly labelled: number
  readonly soFar: {
    readonly labelled: number
    readonly current: number
    readonly expected: number
    readonly independent: number
  }
  readonly profiles: readonly MicroProfile[]
  readonly profilingGpuSeconds: number
  /** Of the model in use on the window that is planned. */
  readonly right: string
  /** Independent labels that those of the window that is planned are worth. */
  readonly independent: number
  readonly trainings: readonly RecordedTraining[]
  /** Trained in the record, and taken or not. */
  readonly chosen?: { readonly configuration: string; readonly taken: boolean }
}

export interface RecordedCamera {
  readonly name: string
  readonly windows: readonly RecordedWindow[]
}

export interface RecordOptions extends SplitOptions {
  readonly configurations: readonly RetrainingConfiguration[]
  readonly seed: number
  /** Part of the window that is labelled when profiling ends; `fresh` is when it begins. */
  readonly soFar: number
  readonly minGain: number
  readonly microProfiler: { readonly epochs: number; readonly sampleFraction: number }
}

const threads = 1
const cpuSeconds = (): number => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}
/** What the operator makes of the model in use, and how much the labels of the window that is planned count in it. */
export function presentOf({ accuracy, soFar }: RecordedWindow) {
  const last = { accuracy: accuracy.current, labelled: accuracy.independent }
  const fresh = { accuracy: soFar.current, labelled: soFar.independent, expected: soFar.expected }
  return { accuracy: presentAccuracy(last, fresh), freshWeight: freshWeight(last, fresh) }
}

/** As the profile worker has it: a class with few labels is taken to be much like all. */
export function accuracyByClass(labels: ArrayLike<number>, right: string, classes: number): number[] {
  return range(classes).map(label => {
    const own = range(labels.length).filter(i => labels[i] === label)
    return (own.filter(i => right[i] === '1').length + 4 * share(right)) / (own.length + 4)
  })
}

export async function recordCamera(camera: CameraSource, options: RecordOptions): Promise<RecordedCamera> {
  const { configurations, minGain, microProfiler } = options
  let model = camera.model
  const windows: RecordedWindow[] = []
  for (let w = 1; w < camera.windows.length; w++) {
    const last = camera.windows[w - 1]!
    const now = camera.windows[w]!
    const soFar = firstOnes(now, options.soFar)
    const { train, validation } = splitFor(camera.windows, w, options)
    const draw = random(options.seed, camera.name, w)
    const order = draw.permutation(train.count)

    const begun = cpuSeconds()
    const trainer = await createTrainer(model, { threads })
    const startGpuSeconds = cpuSeconds() - begun
    const soFarOf = new Map<string, number>()
    const profiled: { names: readonly string[]; model: Uint8Array }[] = []
    const profiles = await microProfile(
      {
        trainer,
        configurations,
        microProfiler,
        ...sampleOf(train, order, microProfiler.sampleFraction),
        validation,
        startGpuSeconds,
        gpuSecondsPerImage: 0,
        cores: 1,
        seed: options.seed,
        threads,
        gpuSeconds: cpuSeconds,
        onTrained: (names, model) => profiled.push({ names, model }),
      },
      () => {},
    )
    for (const { names, model } of profiled) {
      const right = share(await rightOf(model, soFar))
      for (const name of names) soFarOf.set(name, right)
    }
    const profilingGpuSeconds = cpuSeconds() - begun
    const labelsOf = (window: number, count: number) =>
      range(count).map(i => ({
        frame: camera.frames[window]![i]!,
        label: camera.windows[window]!.labels[i]!,
      }))
    const lastRight = await rightOf(model, last)
    const current = share(lastRight)
    const byClass = accuracyByClass(last.labels, lastRight, camera.classes)
    const right = await rightOf(model, now)
    const trainings: RecordedTraining[] = []
    const models = new Map<string, { model: Uint8Array; gain: number }>()
    for (const { name, ...knobs } of configurations) {
      const before = cpuSeconds()
      const outcome = await trainer.train({
        train,
        validation,
        configuration: { ...knobs, seed: options.seed + w, threads },
      })
      trainings.push({
        configuration: name,
        validation: outcome.epochs.map(each => Number(each.validationAccuracy.toFixed(4))),
        gpuSeconds: startGpuSeconds + cpuSeconds() - before,
        right: await rightOf(outcome.model, now),
      })
      models.set(name, {
        model: outcome.model,
        gain: outcome.bestValidationAccuracy - outcome.baselineAccuracy,
      })
    }
    const pick = draw.integer(configurations.length + 1)
    const chosen = configurations[pick]?.name
    const taken = chosen !== undefined && models.get(chosen)!.gain >= minGain
    windows.push({
      window: w,
      accuracy: {
        current,
        validation: await trainer.accuracy(validation),
        independent: independentLabels(labelsOf(w - 1, last.count), camera.classes),
      },
      labelled: last.count,
      soFar: {
        labelled: soFar.count,
        current: share(right.slice(0, soFar.count)),
        expected: mean(range(soFar.count).map(i => byClass[now.labels[i]!]!)),
        independent: independentLabels(labelsOf(w, soFar.count), camera.classes),
      },
      profiles: profiles.map(each => ({ ...each, soFar: soFarOf.get(each.configuration)! })),
      profilingGpuSeconds,
      right,
      independent: independentLabels(labelsOf(w, now.count), camera.classes),
      trainings,
      ...(chosen === undefined ? {} : { chosen: { configuration: chosen, taken } }),
    })
    await trainer.close()
    if (taken) model = models.get(chosen)!.model
  }
  return { name: camera.name, windows }
}
