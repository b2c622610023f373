/**
 * A profile log from images: on every window of every camera all configurations of the grid are trained, and micro-profiled. It takes
 * minutes, so each camera's part is kept in a folder and used again as long as lists, images and settings are the same.
 *
 *   FOLDER/pretrain.csv        what the student is pretrained on
 *   FOLDER/cam-<i>/<window>.csv  the windows of camera i, from 0
 */
import { type ChildProcess, fork } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { writeAtomically } from '../../../workers/models/store.ts'
import { estimate } from '../../profiler/estimator.ts'
import type { Trace, TraceRetraining, TraceWindow } from '../../simulate/trace.ts'
import type { LogMessage, Task } from './camera-process.ts'
import {
  baseConfigurations,
  configurations,
  epochs,
  microProfiler,
  pretraining,
  trainedPart,
} from './grid.ts'
import type { ProfiledWindow, TrainedWindow } from './window-log.ts'

export interface ProfileLog {
  readonly trace: Trace
  readonly costs: ProfilingCosts
}

/** GPU-seconds of all windows. */
export interface ProfilingCosts {
  readonly profiling: number
  /** Every configuration trained for itself. */
  readonly exhaustive: number
  /** Every configuration trained once for the most epochs, which has the shorter trainings in it. */
  readonly exhaustiveShared: number
}

export interface LogRequest {
  readonly images: string
  /** Where the parts are kept; it is there. */
  readonly cache: string
  readonly jobs: number
  readonly onWindow: (done: number, of: number, camera: string) => void
}

/** What is wrong with the folder of images or what has failed on it. */
export class ProfileLogError extends Error {
  readonly code = 'ProfileLogFailed'
  readonly retryable = false
}

interface Camera {
  readonly name: string
  readonly lists: readonly string[]
}

interface Part<Window> {
  readonly key: string
  readonly windows: readonly Window[]
}

interface LoggedCamera {
  readonly name: string
  readonly trained: readonly TrainedWindow[]
  readonly profiled: readonly ProfiledWindow[]
}

/** Change when what is kept means something else. */
const versions = { train: 1, profile: 1 } as const

/** @throws ProfileLogError */
export async function makeProfileLog({ images, cache, jobs, onWindow }: LogRequest): Promise<ProfileLog> {
  const cameras = await camerasIn(images)
  const pretrainList = join(images, 'pretrain.csv')
  const classes = await classesOf(pretrainList)
  const studentKey = await keyOf(JSON.stringify(pretraining), [pretrainList])
  const student = join(cache, `student-${studentKey}.onnx`)
  const settings = {
    train: JSON.stringify([versions.train, baseConfigurations, epochs, trainedPart, studentKey]),
    profile: JSON.stringify([versions.profile, configurations, microProfiler, trainedPart, studentKey]),
  }
  const parts = await Promise.all(
    (['train', 'profile'] as const).flatMap(work =>
      cameras.map(async ({ name, lists }, i) => {
        const file = join(cache, `${name}.${work}.json`)
        const key = await keyOf(settings[work], lists)
        const task = { student, images, windows: lists, seed: seedOf(name, i), work }
        return { name, file, key, task, windows: (await readPart(file, key))?.windows }
      }),
    ),
  )
  const total = parts.reduce((sum, { task }) => sum + task.windows.length, 0)
  let done = parts.reduce((sum, { windows }) => sum + (windows?.length ?? 0), 0)
  const left = parts.filter(({ windows }) => windows === undefined)
  if (left.length > 0 && !(await exists(student)))
    await runTask({ list: pretrainList, images, classes, out: student }, 'the pretraining', () => {})
  const lane = async (): Promise<void> => {
    for (let part = left.shift(); part !== undefined; part = left.shift()) {
      const { name, key, file, task } = part
      const windows: unknown[] = []
      await runTask(task, name, window => {
        windows.push(window)
        onWindow(++done, total, name)
      })
      part.windows = windows
      await writeAtomically(file, Buffer.from(JSON.stringify({ key, windows })))
    }
  }
  await Promise.all(Array.from({ length: Math.min(jobs, left.length) }, lane))
  const log = logOf(
    cameras.map(({ name }, i) => ({
      name,
      trained: parts[i]!.windows as readonly TrainedWindow[],
      profiled: parts[cameras.length + i]!.windows as readonly ProfiledWindow[],
    })),
    images,
  )
  await writeAtomically(join(cache, 'trace.json'), Buffer.from(JSON.stringify(log.trace)))
  return log
}

function logOf(cameras: readonly LoggedCamera[], images: string): ProfileLog {
  const trained = cameras.flatMap(camera => camera.trained)
  const sum = <T>(some: readonly T[], of: (one: T) => number): number =>
    some.reduce((total, one) => total + of(one), 0)
  return {
    trace: {
      version: 1,
      source: `trained on ${images} by ekya estimator-report`,
      streams: cameras.map(({ name, trained, profiled }) => ({
        name,
        windows: trained.map(({ outcomes }, w) => tracedWindow(outcomes, profiled[w]!)),
      })),
    },
    costs: {
      profiling: sum(
        cameras.flatMap(camera => camera.profiled),
        ({ gpuSeconds }) => gpuSeconds,
      ),
      exhaustive: sum(trained, ({ outcomes }) => sum(outcomes, ({ gpuSeconds }) => gpuSeconds)),
      exhaustiveShared: sum(trained, ({ sharedGpuSeconds }) => sharedGpuSeconds),
    },
  }
}

function tracedWindow(
  outcomes: readonly TraceRetraining[],
  { profiles, accuracyBefore }: ProfiledWindow,
): TraceWindow {
  const accuracy = { current: accuracyBefore, validation: accuracyBefore }
  const estimates = estimate({ profiles, configurations, accuracy })
  return {
    accuracyBefore,
    retraining: outcomes.map(outcome => {
      const found = estimates.find(each => each.configuration === outcome.configuration)
      return {
        ...outcome,
        ...(found && { estimate: { accuracyAfter: found.accuracyAfter, gpuSeconds: found.gpuSeconds } }),
      }
    }),
  }
}

async function camerasIn(images: string): Promise<Camera[]> {
  const byNumber = (names: readonly string[], pattern: RegExp): string[] =>
    names
      .filter(name => pattern.test(name))
      .sort((a, b) => Number(a.match(/\d+/)![0]) - Number(b.match(/\d+/)![0]))
  const cameras: Camera[] = []
  for (const name of byNumber(await readdir(images), /^cam-\d+$/)) {
    const lists = byNumber(await readdir(join(images, name)), /^\d+\.csv$/)
    if (lists.length > 0) cameras.push({ name, lists: lists.map(list => join(images, name, list)) })
  }
  if (cameras.length === 0)
    throw new ProfileLogError(
      `${images} has no cameras; accepted: a folder with pretrain.csv and cam-0/0.csv, cam-0/1.csv, … of one camera or more`,
    )
  return cameras
}

async function classesOf(list: string): Promise<number> {
  const text = await readFile(list, 'utf8').catch((error: Error) => {
    throw new ProfileLogError(`${list} cannot be read: ${error.message}`, { cause: error })
  })
  const [header = '', ...rows] = text.trim().split('\n')
  const column = header
    .split(',')
    .map(cell => cell.trim())
    .indexOf('class')
  const highest = Math.max(...rows.map(row => Number(row.split(',')[column])))
  if (!Number.isInteger(highest) || highest < 1)
    throw new ProfileLogError(`${list}: the column class holds no two classes; accepted: integers from 0`)
  return highest + 1
}

/** Of a camera the same whichever others there are: its number, where the name ends with one. */
const seedOf = (name: string, position: number): number => Number(/\d+$/.exec(name)?.[0] ?? position) + 1

/** Over the lists and the images in the folders beside them. */
async function keyOf(before: string, lists: readonly string[]): Promise<string> {
  const hash = createHash('sha256').update(before)
  for (const list of lists) {
    const text = await readFile(list, 'utf8')
    hash.update(text)
    const folder = list.replace(/\.csv$/, '')
    for (const name of (await readdir(folder).catch(() => [])).sort()) {
      const bytes = await readFile(join(folder, name))
      hash.update(`${name} ${bytes.length}\n`).update(bytes)
    }
  }
  return hash.digest('hex').slice(0, 16)
}

async function readPart(file: string, key: string): Promise<Part<unknown> | undefined> {
  try {
    const part = JSON.parse(await readFile(file, 'utf8')) as Part<unknown>
    return part.key === key ? part : undefined
  } catch {
    // Not there, or half of one: it is made again.
    return undefined
  }
}

const exists = async (file: string): Promise<boolean> =>
  stat(file).then(
    () => true,
    () => false,
  )

const children = new Set<ChildProcess>()
const endAll = (): void => {
  for (const child of children) child.kill()
}

async function runTask(task: Task, what: string, onWindow: (window: unknown) => void): Promise<void> {
  const child: ChildProcess = fork(new URL('./camera-process.ts', import.meta.url))
  if (children.size === 0) process.once('exit', endAll)
  children.add(child)
  try {
    await new Promise<void>((resolve, reject) => {
      const fail = (why: string) => reject(new ProfileLogError(`${what}: ${why}`))
      child.on('message', (message: LogMessage) => {
        if ('window' in message) onWindow(message.window)
        else if ('error' in message) fail(message.error)
        else resolve()
      })
      child.once('error', error => fail(error.message))
      child.once('exit', (status, signal) => fail(`the process ended with ${signal ?? `status ${status}`}`))
      child.send(task)
    })
  } finally {
    child.kill()
    children.delete(child)
    if (children.size === 0) process.off('exit', endAll)
  }
}
