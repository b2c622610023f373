import { expect } from 'chai'
import type { Frame, FrameWindow, SourceOptions } from './source.ts'
import { framesInWindow, openSource, pace } from './source.ts'
import { ManualClock } from './testing.ts'

const start = Date.parse('2026-01-01T00:00:00Z')
const window = (over: Partial<FrameWindow> = {}): FrameWindow => ({
  index: 3,
  startsAt: '2026-01-01T00:00:00Z',
  durationSeconds: 1,
  maxSamples: 0,
  ...over,
})
const footage = {
  labelled: true,
  refused: 0,
  frame: (_: unknown, index: number) => ({
    label: index % 6,
    pixels: async () => new Uint8Array(),
    jpeg: async () => new Uint8Array(),
  }),
}
const options: SourceOptions = {
  classes: ['car', 'truck', 'bus', 'bicycle', 'pedestrian', 'dog'],
  frameRate: 5,
  storage: '/nowhere',
}

async function all(frames: AsyncIterable<Frame>): Promise<Frame[]> {
  const list: Frame[] = []
  for await (const frame of frames) list.push(frame)
  return list
}

describe('pace', () => {
  it('gives every frame of the window once, in order, when it is due', async () => {
    const clock = new ManualClock(start - 5000, true)
    const seen: number[] = []
    for await (const frame of pace(footage, 5, clock).frames(window())) {
      expect(frame.dueAt).to.equal(start + frame.index * 200)
      expect(clock.now()).to.equal(frame.dueAt)
      seen.push(frame.index)
    }
    expect(seen).to.deep.equal([0, 1, 2, 3, 4])
  })

  it('gives late frames at once and leaves none out', async () => {
    const clock = new ManualClock(start)
    const frames = pace(footage, 5, clock).frames(window())[Symbol.asyncIterator]()
    expect((await frames.next()).value.index).to.equal(0)
    clock.advance(700)
    for (const want of [1, 2, 3]) expect((await frames.next()).value.index).to.equal(want)
    const next = frames.next()
    await Promise.resolve()
    expect(clock.waiting).to.equal(1)
    clock.advance(100)
    expect((await next).value.index).to.equal(4)
    expect((await frames.next()).done).to.equal(true)
  })

  for (const { name, now, over, want } of [
    { name: 'in mid-window at the frame that is due', now: 450, over: {}, want: [2, 3, 4] },
    { name: 'at the frame that the caller names', now: 450, over: { firstFrame: 1 }, want: [1, 2, 3, 4] },
    { name: 'nowhere once the window is over', now: 1000, over: {}, want: [] },
    { name: 'and ends before a frame due at the end', now: 0, over: { durationSeconds: 0.4 }, want: [0, 1] },
  ]) {
    it(`begins ${name}`, async () => {
      const clock = new ManualClock(start + now, true)
      const frames = await all(pace(footage, 5, clock).frames(window(over)))
      expect(frames.map(({ index }) => index)).to.deep.equal(want)
    })
  }

  it('stops waiting when aborted or closed', async () => {
    const clock = new ManualClock(start - 1000)
    const stop = new AbortController()
    const waiting = all(pace(footage, 5, clock).frames(window(), stop.signal))
    stop.abort(new Error('enough'))
    expect(await failure(waiting)).to.have.property('message', 'enough')
    const source = pace(footage, 5, clock)
    const other = all(source.frames(window()))
    await source.close()
    expect(await failure(other)).to.include({ code: 'Cancelled' })
    expect(clock.waiting).to.equal(0)
  })

  it('counts the frames of a window despite rounding', () => {
    expect(framesInWindow(60, 29.97)).to.equal(1799)
    expect(framesInWindow(0.3, 10)).to.equal(3)
    expect(framesInWindow(1.05, 10)).to.equal(11)
  })
})

describe('openSource', () => {
  for (const { name, source, over, code, want } of [
    {
      name: 'an unknown preset',
      source: { scene: { seed: 1, preset: 'mars' } },
      code: 'SourceInvalid',
      want: 'scene preset mars: accepted are street, plain',
    },
    {
      name: 'classes that no scene shows',
      source: { scene: { seed: 1 } },
      over: { classes: ['car', 'ship'] },
      code: 'SourceInvalid',
      want: 'at least two',
    },
    {
      name: 'a missing samples folder',
      source: { samples: { uri: 'samples/cam-0' } },
      code: 'SourceNotFound',
      want: 'samples folder /nowhere/samples/cam-0: no such folder',
    },
    {
      name: 'a samples folder outside the storage',
      source: { samples: { uri: '../x' } },
      code: 'SourceInvalid',
      want: 'below the storage root',
    },
    {
      name: 'a frame rate of 0',
      source: { scene: { seed: 1 } },
      over: { frameRate: 0 },
      code: 'SourceInvalid',
      want: 'above 0',
    },
  ]) {
    it(`refuses ${name}`, async () => {
      const error = await failure(openSource(source, { ...options, ...over }))
      expect(error).to.include({ code })
      expect(error.message).to.include(want)
    })
  }
})

async function failure(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => expect.fail('must fail'),
    (error: Error) => error,
  )
}
