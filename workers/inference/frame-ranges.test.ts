import { expect } from 'chai'
import { FrameRanges } from './frame-ranges.ts'

describe('FrameRanges', () => {
  const of = (frames: readonly number[], before: ConstructorParameters<typeof FrameRanges>[0] = []) => {
    const ranges = new FrameRanges(before)
    for (const frame of frames) ranges.add(frame)
    return ranges.list
  }

  for (const { name, frames, before, want } of [
    { name: 'nothing', frames: [], before: [], want: [] },
    { name: 'a run', frames: [3, 4, 5], before: [], want: [[3, 5]] },
    {
      name: 'runs with gaps',
      frames: [0, 1, 3, 7, 8],
      before: [],
      want: [
        [0, 1],
        [3, 3],
        [7, 8],
      ],
    },
    { name: 'a run that goes on', frames: [6, 7], before: [[2, 5]], want: [[2, 7]] },
    {
      name: 'a frame that comes twice',
      frames: [1, 1],
      before: [],
      want: [
        [1, 1],
        [1, 1],
      ],
    },
  ] as const)
    it(`tells ${name}`, () => expect(of(frames, before)).to.deep.equal(want))

  it('gives up where there are too many', () =>
    expect(of(Array.from({ length: 600 }, (_, i) => 2 * i))).to.equal(undefined))
  it('tells nothing of an unknown past', () => expect(new FrameRanges(undefined).list).to.equal(undefined))
})
