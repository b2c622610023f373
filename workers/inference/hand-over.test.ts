/** Two frame loops of one stream on one storage: what is handed over, and what the books of the window come to. */
import { join } from 'node:path'
import { expect } from 'chai'
import { pino } from 'pino'
import { samplesFolder } from '../../operator/api/storage.ts'
import type { FrameMark, WindowClock } from '../../operator/api/worker.ts'
import { pace } from '../frames/source.ts'
import { readFrames, readSummaries, readSummary } from '../runtime/sample-folder.ts'
import { temporaryFolder } from '../runtime/testing/temporary-folder.ts'
import { VirtualClock } from '../runtime/testing/virtual-clock.ts'
import { Duty } from './duty.ts'
import type { FrameResult } from './frame-decision.ts'
import { FrameLoop } from './frame-loop.ts'
import { selectFrames } from './frame-selection.ts'
import { WindowSchedule } from './window-schedule.ts'

const start = Date.parse('2030-01-01T00:00:00Z')
const frameRate = 10
const seconds = 10
const clockOf = (index: number): WindowClock => ({
  index,
  startsAt: new Date(start + index * seconds * 1000).toISOString(),
  durationSeconds: seconds,
  maxSamples: 30,
})
const mark = (window: number, frame: number): FrameMark => ({
  window,
  startsAt: clockOf(window).startsAt,
  frame,
})
const numbers = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i)

interface Seen {
  readonly window: number
  readonly frame: number
  readonly result: FrameResult
}

describe('a hand-over between two pods', () => {
  const folder = temporaryFolder()
  let run = 0

  /** One pod from `fromSecond` to `untilSecond` or its last frame. */
  async function pod(options: {
    readonly storage: string
    readonly generation: number
    readonly fromSecond: number
    readonly untilSecond: number
    readonly from?: FrameMark
    readonly until?: FrameMark
  }): Promise<readonly Seen[]> {
    const clock = new VirtualClock(start + options.fromSecond * 1000)
    // A pod that stands by was made in the window in which it is to take over.
    const schedule = new WindowSchedule(clockOf(0), Math.min(clock.now(), start + 9500))
    const duty = new Duty({ frameRate, standby: options.from !== undefined })
    if (options.from !== undefined) duty.activate(options.from, clock.now())
    if (options.until !== undefined) duty.end(options.until)
    const ending = new AbortController()
    const seen: Seen[] = []
    const loop = new FrameLoop({
      namespace: 'default',
      stream: 'cam-0',
      storage: options.storage,
      classes: ['car', 'bus', 'dog', 'bicycle'],
      seed: 1,
      frameRate,
      schedule,
      clock,
      duty,
      generation: options.generation,
      log: pino({ level: 'silent' }),
      configuration: () => ({ name: 'x', frameInterval: 1, resolutionScale: 1 }),
      gpuSecondsPerFrame: () => 0.004,
      analyse: async frame => frame.index % 4,
      onFrame: result => {
        seen.push({ ...loop.lastFrame!, result })
        if (clock.now() >= start + options.untilSecond * 1000 - 1e3 / frameRate) ending.abort()
      },
    })
    const footage = {
      labelled: true,
      refused: 0,
      frame: (_: WindowClock, index: number) => ({
        label: index % 4,
        pixels: async () => Uint8Array.of(1),
        jpeg: async () => Uint8Array.of(index),
      }),
    }
    await loop.run(pace(footage, frameRate, clock), ending.signal)
    return seen
  }
  const analysed = (seen: readonly Seen[]): string[] =>
    seen.filter(({ result }) => result === 'analysed').map(({ window, frame }) => `${window}/${frame}`)
  const frames = (window: number, from: number, to: number): string[] =>
    numbers(from, to).map(frame => `${window}/${frame}`)

  for (const { name, at, told, want } of [
    { name: 'in the middle of a window', at: mark(0, 40), told: 3.5, want: frames(0, 40, 100) },
    { name: 'at its first frame', at: mark(0, 0), told: 0, want: frames(0, 0, 100) },
    { name: 'at the frame after its last', at: mark(0, 100), told: 9.5, want: [] },
    { name: 'though told three seconds late', at: mark(0, 40), told: 7, want: frames(0, 40, 100) },
    { name: 'though told in the next window', at: mark(0, 80), told: 11, want: frames(0, 80, 100) },
  ])
    it(`gives each frame to one pod ${name}`, async () => {
      const storage = join(folder.path, String(run++))
      const until = { ...at, frame: at.frame - 1 }
      const old = await pod({ storage, generation: 1, fromSecond: 0, untilSecond: 20, until })
      const next = await pod({ storage, generation: 2, fromSecond: told, untilSecond: 20, from: at })
      expect(analysed(old)).to.deep.equal(frames(0, 0, at.frame))
      expect(analysed(next)).to.deep.equal([...want, ...frames(1, 0, 100)])
    })

  it('gives each frame to one pod at the first frame of the next window, and after it', async () => {
    for (const at of [mark(1, 0), mark(1, 5)]) {
      const storage = join(folder.path, String(run++))
      const until = { ...at, frame: at.frame - 1 }
      const old = await pod({ storage, generation: 1, fromSecond: 0, untilSecond: 20, until })
      const next = await pod({ storage, generation: 2, fromSecond: 9.5, untilSecond: 20, from: at })
      expect(analysed(old)).to.deep.equal([...frames(0, 0, 100), ...frames(1, 0, at.frame)])
      expect(analysed(next)).to.deep.equal(frames(1, at.frame, 100))
    }
  })

  it('keeps one sample and one account of the window, as one pod would', async () => {
    const [alone, shared] = [join(folder.path, String(run++)), join(folder.path, String(run++))]
    await pod({ storage: alone, generation: 1, fromSecond: 0, untilSecond: 11 })
    const marks = [mark(0, 20), mark(0, 55), mark(0, 56)]
    for (let i = 0; i <= marks.length; i++) {
      const [from, next] = [marks[i - 1], marks[i]]
      await pod({
        storage: shared,
        generation: i + 1,
        fromSecond: 0,
        untilSecond: 11,
        ...(from === undefined ? {} : { from }),
        ...(next === undefined ? {} : { until: { ...next, frame: next.frame - 1 } }),
      })
    }
    const at = (storage: string) => join(storage, samplesFolder('default', 'cam-0', 0))
    expect(await readFrames(at(shared))).to.deep.equal(await readFrames(at(alone)))
    expect((await readFrames(at(shared))).map(({ frame }) => frame)).to.have.members([
      ...selectFrames({ seed: 1, stream: 'cam-0', window: 0, frames: 100, maxSamples: 30 }),
    ])
    const { analysed: runs, ...summary } = (await readSummary(at(shared)))!
    expect(runs).to.deep.equal([
      [0, 19],
      [20, 54],
      [55, 55],
      [56, 99],
    ])
    const { analysed: _, ...whole } = (await readSummary(at(alone)))!
    expect(summary).to.deep.equal(whole)
    expect([...(await readSummaries(at(shared))).keys()]).to.deep.equal([1, 2, 3, 4])
  })
})
