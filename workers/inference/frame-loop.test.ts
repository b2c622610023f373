import { readFileSync } from 'node:fs'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { pino } from 'pino'
import { samplesFolder } from '../../operator/api/storage.ts'
import type { WindowClock } from '../../operator/api/worker.ts'
import { type Footage, pace } from '../frames/source.ts'
import { readFrames, readSummary } from '../runtime/sample-folder.ts'
import { temporaryFolder } from '../runtime/testing/temporary-folder.ts'
import { VirtualClock } from '../runtime/testing/virtual-clock.ts'
import type { FrameResult } from './frame-decision.ts'
import { FrameLoop, type FrameLoopOptions } from './frame-loop.ts'
import { selectFrames } from './frame-selection.ts'
import { WindowBook } from './window-book.ts'
import { WindowSchedule } from './window-schedule.ts'

const start = Date.parse('2030-01-01T00:00:00Z')
const frameRate = 20
const windowClock = (index: number, seconds: number, change: Partial<WindowClock> = {}): WindowClock => ({
  index,
  startsAt: new Date(start + seconds * 1000).toISOString(),
  durationSeconds: 10,
  maxSamples: 40,
  ...change,
})

const classes = ['car', 'bus', 'dog', 'bicycle']
const named = (label: number) => classes[label]!

/** The label of a frame is its number modulo 4. */
const footage: Footage = {
  labelled: true,
  refused: 0,
  frame: (_window, index) => ({
    label: index % 4,
    pixels: async () => Uint8Array.of(index % 4),
    jpeg: async () => Uint8Array.of(index),
  }),
}

interface Seen {
  readonly window: number
  readonly frame: number
  readonly result: FrameResult
}

describe('FrameLoop', () => {
  const folder = temporaryFolder()
  let run = 0

  /** Runs until `frames` were offered; `costMs` is what an analysed frame takes. */
  async function play(options: {
    readonly window?: WindowClock | undefined
    readonly frames: number
    readonly costMs?: number
    readonly from?: number
    readonly frameInterval?: number
    readonly storage?: string
    readonly shows?: Footage
    readonly onFrame?: (seen: Seen, schedule: WindowSchedule, loop: FrameLoop, clock: VirtualClock) => void
  }) {
    const storage = options.storage ?? join(folder.path, String(run++))
    const clock = new VirtualClock(start + (options.from ?? 0) * 1000)
    const schedule = new WindowSchedule('window' in options ? options.window : windowClock(0, 0), clock.now())
    const ending = new AbortController()
    const seen: Seen[] = []
    const given: FrameLoopOptions = {
      namespace: 'default',
      stream: 'cam-0',
      storage,
      classes,
      seed: 1,
      frameRate,
      schedule,
      clock,
      log: pino({ level: 'silent' }),
      configuration: () => ({ name: 'x', frameInterval: options.frameInterval ?? 1, resolutionScale: 1 }),
      gpuSecondsPerFrame: () => 0.004,
      analyse: async frame => {
        const [label] = await frame.pixels({ height: 1, width: 1 })
        clock.spend(options.costMs ?? 0)
        return label!
      },
      onFrame: result => {
        const { window, frame } = loop.lastFrame!
        seen.push({ window, frame, result })
        options.onFrame?.(seen.at(-1)!, schedule, loop, clock)
        if (seen.length === options.frames) ending.abort()
      },
    }
    const loop = new FrameLoop(given)
    await loop.run(pace(options.shows ?? footage, frameRate, clock), ending.signal)
    const at = (window: number) => join(storage, samplesFolder('default', 'cam-0', window))
    return { seen, loop, storage, at, schedule, clock }
  }
  const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i)
  const framesOfRuns = (runs: readonly (readonly [number, number])[]) =>
    runs.flatMap(([first, last]) => numbers(first, last + 1))
  const framesOf = (seen: readonly Seen[], window: number) =>
    seen.filter(each => each.window === window).map(({ frame }) => frame)
  const count = (seen: readonly Seen[], result: FrameResult) =>
    seen.filter(each => each.result === result).length

  it('analyses every frame of every window where the share suffices', async () => {
    const { seen, loop, at } = await play({ frames: 450, costMs: 20 })
    expect(framesOf(seen, 0)).to.deep.equal(numbers(0, 200))
    expect(framesOf(seen, 1)).to.deep.equal(numbers(0, 200))
    expect(framesOf(seen, 2)).to.deep.equal(numbers(0, 50))
    expect(loop.total).to.deep.equal({ offered: 450, analysed: 450, skipped: 0, dropped: 0 })
    expect(await readSummary(at(0))).to.deep.include({
      index: 0,
      complete: true,
      frames: { offered: 200, analysed: 200, skipped: 0, dropped: 0 },
      samples: 40,
      gpuSecondsPerFrame: 0.004,
    })
  })

  for (const { name, costMs, frameInterval, analysed, dropped } of [
    { name: 'half the share', costMs: 100, frameInterval: 1, analysed: [98, 106], dropped: [94, 102] },
    { name: 'an interval of 4', costMs: 20, frameInterval: 4, analysed: [50, 50], dropped: [0, 0] },
    {
      name: 'an interval of 4 and half of what it takes',
      costMs: 400,
      frameInterval: 4,
      analysed: [24, 28],
      dropped: [20, 200],
    },
    { name: 'next to no share', costMs: 3000, frameInterval: 1, analysed: [3, 5], dropped: [190, 200] },
  ]) {
    it(`accounts for every frame with ${name}`, async () => {
      const { seen, loop, at } = await play({ frames: 200, costMs, frameInterval })
      expect(framesOf(seen, 0)).to.deep.equal(numbers(0, 200))
      const { offered, analysed: done, skipped, dropped: lost } = loop.total
      expect(offered).to.equal(done + skipped + lost)
      expect(done).to.be.within(analysed[0]!, analysed[1]!)
      expect(lost).to.be.within(dropped[0]!, dropped[1]!)
      const summary = (await readSummary(at(0)))!
      for (const result of ['analysed', 'dropped'] as const)
        expect(framesOfRuns(summary[result]!)).to.deep.equal(
          seen.filter(each => each.result === result).map(({ frame }) => frame),
        )
    })
  }

  it('writes one account after the other, so that the last one is the newest', async () => {
    const summarise = WindowBook.prototype.summarise
    let [writing, most, written] = [0, 0, 0]
    WindowBook.prototype.summarise = async function (...totals) {
      most = Math.max(most, ++writing)
      written++
      try {
        await summarise.apply(this, totals)
      } finally {
        writing--
      }
    }
    try {
      // The last frame comes when an account is due, so the one at the end follows at once.
      const { at } = await play({ frames: 200, costMs: 100 })
      expect((await readSummary(at(0)))!.frames.offered).to.equal(200)
    } finally {
      WindowBook.prototype.summarise = summarise
    }
    expect({ most, written }).to.deep.equal({ most: 1, written: 3 })
  })

  it('loses no frame to a pause that the share makes up for', async () => {
    let paused = false
    const { seen } = await play({
      frames: 200,
      costMs: 10,
      onFrame: ({ frame }, _schedule, _loop, clock) => {
        if (frame === 50 && !paused) clock.spend(150)
        if (frame === 50) paused = true
      },
    })
    expect(count(seen, 'analysed')).to.equal(200)
  })

  it('keeps the same sample whatever is dropped, with the result that was served', async () => {
    const idle = await play({ frames: 201 })
    const busy = await play({ frames: 201, costMs: 400 })
    const [kept, scarce] = [await readFrames(idle.at(0)), await readFrames(busy.at(0))]
    const selected = selectFrames({ seed: 1, stream: 'cam-0', window: 0, frames: 200, maxSamples: 40 })
    expect(kept.map(({ frame }) => frame)).to.deep.equal([...selected].sort((a, b) => a - b))
    expect(scarce.map(({ frame }) => frame)).to.deep.equal(kept.map(({ frame }) => frame))
    for (const { frame, served, fresh, label } of kept) {
      expect({ served, fresh, label }).to.deep.equal({
        served: named(frame % 4),
        fresh: true,
        label: named(frame % 4),
      })
    }
    let last: string | null = null
    const served = new Map(
      busy.seen.map(({ frame, result }) => {
        if (result === 'analysed') last = named(frame % 4)
        return [frame, last] as const
      }),
    )
    for (const row of scarce.filter(each => !each.fresh)) expect(row.served).to.equal(served.get(row.frame))
    expect(scarce.filter(({ fresh }) => fresh)).to.have.length.below(12)
    expect([...(await readFile(join(busy.at(0), scarce[7]!.image)))]).to.deep.equal([scarce[7]!.frame])
  })

  it('keeps nothing before a window is announced, and goes over to it between two frames', async () => {
    const { seen, at, loop, storage } = await play({
      window: undefined,
      frames: 260,
      onFrame: ({ frame }, schedule, running) => {
        if (schedule.current.scheduled || frame !== 59) return
        schedule.announce(windowClock(5, 2), start + 2950)
        running.reschedule()
      },
    })
    expect(framesOf(seen, 0)).to.deep.equal(numbers(0, 60))
    expect(framesOf(seen, 5)).to.deep.equal(numbers(framesOf(seen, 5)[0]!, 200))
    expect(framesOf(seen, 5)[0]).to.be.within(18, 20)
    expect(loop.total.offered).to.equal(260)
    expect((await readSummary(at(5)))?.frames.offered).to.equal(framesOf(seen, 5).length)
    expect(await readdir(join(storage, 'samples/default/cam-0'))).not.to.include('0')
  })

  it('changes to an announced window at its start', async () => {
    const { seen } = await play({
      frames: 200,
      onFrame: ({ frame, window }, schedule, loop) => {
        if (window !== 0 || frame !== 40) return
        schedule.announce(windowClock(1, 5), start + 2000)
        loop.reschedule()
      },
    })
    expect(framesOf(seen, 0)).to.deep.equal(numbers(0, 100))
    expect(framesOf(seen, 1)).to.deep.equal(numbers(0, 100))
  })

  it('goes on in the same folder after a restart in mid-window', async () => {
    const first = await play({ frames: 120 })
    const folderOf = first.at(0)
    // A crash may tear the row that is being written.
    const file = join(folderOf, 'frames.csv')
    await writeFile(file, `${await readFile(file, 'utf8')}17,11`)
    const second = await play({ frames: 80, from: 6, storage: first.storage })
    expect(framesOf(second.seen, 0)).to.deep.equal(numbers(120, 200))
    const rows = await readFrames(folderOf)
    expect(rows).to.have.length(40)
    expect(new Set(rows.map(({ frame }) => frame)).size).to.equal(40)
    expect((await readSummary(folderOf))?.frames).to.deep.equal({
      offered: 200,
      analysed: 200,
      skipped: 0,
      dropped: 0,
    })
  })

  it('says from the start which frames a pod has had: none', async () => {
    const storage = join(folder.path, String(run++))
    const file = join(storage, samplesFolder('default', 'cam-0', 0), 'summary.json')
    let begun: unknown
    await play({ frames: 1, storage, onFrame: () => (begun = JSON.parse(readFileSync(file, 'utf8'))) })
    expect(begun).to.deep.include({ complete: false, analysed: [], dropped: [] })
  })

  it('clears what another window of the same index left', async () => {
    const { storage, at } = await play({ frames: 120 })
    await play({ frames: 20, from: 100, window: windowClock(0, 100), storage })
    expect((await readSummary(at(0)))?.startsAt).to.equal(windowClock(0, 100).startsAt)
    expect((await readFrames(at(0))).every(({ frame }) => frame < 20)).to.equal(true)
  })

  it('but not where the index is only a guess', async () => {
    const { storage, at } = await play({ frames: 120, window: windowClock(1, 0) })
    const { loop } = await play({ frames: 20, from: 101, window: windowClock(0, 90.5), storage })
    expect(loop.window).to.include({ samples: 0 })
    expect((await readSummary(at(1)))?.startsAt).to.equal(windowClock(1, 0).startsAt)
  })

  it('stops between two frames when it is drained', async () => {
    const { loop, seen } = await play({
      frames: 1000,
      onFrame: ({ frame }, _schedule, running) => {
        if (frame === 99) void running.drain()
      },
    })
    expect(seen).to.have.length(100)
    expect(loop.lastFrame).to.deep.equal({ window: 0, frame: 99 })
    expect(loop.draining).to.equal(true)
  })

  it('counts corrupt frames as dropped and serves the last result', async () => {
    const shows: Footage = {
      ...footage,
      frame: (window, index) => ({
        ...footage.frame(window, index),
        ...(index % 10 === 3 ? { pixels: () => Promise.reject(new Error('torn')) } : {}),
        ...(index % 10 < 5 ? { jpeg: () => Promise.reject(new Error('torn')) } : {}),
      }),
    }
    const { loop, at } = await play({ frames: 200, shows })
    expect(loop.total).to.deep.equal({ offered: 200, analysed: 180, skipped: 0, dropped: 20 })
    expect(loop.refused).to.equal(20)
    const summary = (await readSummary(at(0)))!
    expect(summary.dropped).to.deep.equal(numbers(0, 20).map(ten => [10 * ten + 3, 10 * ten + 3]))
    expect(summary.samples + summary.refused).to.equal(40)
    expect(summary.refused).to.be.above(10)
  })

  it('gives up on a source of which nothing can be read any more', async () => {
    const shows: Footage = {
      ...footage,
      frame: (window, index) => ({
        ...footage.frame(window, index),
        ...(index >= 50 ? { pixels: () => Promise.reject(new Error('gone')) } : {}),
      }),
    }
    const error = await play({ frames: 1000, shows }).then(
      () => null,
      (e: unknown) => e,
    )
    expect(error).to.be.an('error').with.property('message', 'gone')
  })

  it('goes on without samples where they cannot be stored', async () => {
    const storage = join(folder.path, 'full')
    await mkdir(storage)
    await writeFile(join(storage, 'samples'), 'a file where a folder should be')
    const { loop } = await play({ frames: 100, storage })
    expect(loop.total.analysed).to.equal(100)
    expect(loop.error).to.have.property('code', 'StorageFailed')
  })
})
