/**
 * Measures what one frame costs: from the source, through the student, in cpu seconds. Run as a program of its own, so that the
 * demo does not keep a model and its threads: `node hack/demo/frame-cost.ts '{"source": …}'` prints one JSON document.
 */
import type { Source } from '../../operator/api/worker.ts'
import { openSource } from '../../workers/frames/source.ts'
import { loadClassifier } from '../../workers/models/classifier.ts'

export interface FrameCostRequest {
  readonly source: Source
  readonly classes: readonly string[]
  /** Absolute path. */
  readonly model: string
  readonly frames: number
}

export interface FrameCost {
  readonly cpuSecondsPerFrame: number
}

/** Left out of the measurement: code is compiled and caches are filled meanwhile. */
const warmUpFrames = 40

export async function measureFrameCost(request: FrameCostRequest): Promise<FrameCost> {
  const classifier = await loadClassifier(request.model, { expectedClasses: request.classes.length })
  const frameRate = 30
  const total = warmUpFrames + request.frames
  // Every frame is overdue, so none is waited for.
  const clock = { now: () => total * 1000, sleepUntil: async () => {} }
  const source = await openSource(request.source, {
    classes: request.classes,
    frameRate,
    storage: '/',
    clock,
  })
  const window = {
    index: 0,
    startsAt: new Date(0).toISOString(),
    durationSeconds: total / frameRate,
    maxSamples: 0,
    firstFrame: 0,
  }
  let begin = process.cpuUsage()
  let done = 0
  for await (const frame of source.frames(window)) {
    await classifier.classify(await frame.pixels(classifier.input), 1)
    done++
    if (done === warmUpFrames) begin = process.cpuUsage()
  }
  const { user, system } = process.cpuUsage(begin)
  await source.close()
  await classifier.close()
  return { cpuSecondsPerFrame: (user + system) / 1e6 / Math.max(1, done - warmUpFrames) }
}

if (import.meta.main) {
  const request = JSON.parse(process.argv[2] ?? '') as FrameCostRequest
  process.stdout.write(`${JSON.stringify(await measureFrameCost(request))}\n`)
}
