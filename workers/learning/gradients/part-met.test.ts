import { expect } from 'chai'
import fc from 'fast-check'
import { partMet } from './part-met.ts'
import { extent, type Pair, placesMetAt, type Window } from './window.ts'

type Given = Omit<Window, 'output'>

/** As many positions as fit. */
function windowWith(given: Given): Window {
  const positions = (axis: 0 | 1): number =>
    Math.floor(
      (given.input[axis] + given.pads[axis] + given.pads[axis + 2]! - extent(given, axis)) /
        given.strides[axis],
    ) + 1
  return { ...given, output: [positions(0), positions(1)] }
}

const sliding = { strides: [1, 1], dilations: [1, 1] } as const

describe('the part of a kernel that meets its input', () => {
  for (const { name, given, want } of [
    {
      name: 'is all of it where the input is large enough',
      given: { ...sliding, kernel: [3, 3], pads: [1, 1, 1, 1], input: [2, 2] },
      want: { from: [0, 0], size: [3, 3], pads: [1, 1, 1, 1] },
    },
    {
      name: 'is its middle over a single place',
      given: { ...sliding, kernel: [3, 3], pads: [1, 1, 1, 1], input: [1, 1] },
      want: { from: [1, 1], size: [1, 1], pads: [0, 0, 0, 0] },
    },
    {
      name: 'is one side of it where strides leave the other out',
      given: { ...sliding, kernel: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1], input: [2, 2] },
      want: { from: [1, 1], size: [2, 2], pads: [0, 0, 0, 0] },
    },
    {
      name: 'has a row in its middle that meets nothing',
      given: { ...sliding, kernel: [3, 1], strides: [2, 1], pads: [2, 0, 2, 0], input: [1, 1] },
      want: { from: [0, 0], size: [3, 1], pads: [2, 0, 2, 0] },
    },
    {
      name: 'is taken for all of it where windows meet nothing but padding',
      given: { ...sliding, kernel: [1, 1], strides: [3, 1], pads: [1, 0, 0, 0], input: [2, 1] },
      want: { from: [0, 0], size: [1, 1], pads: [1, 0, 0, 0] },
    },
  ] satisfies { name: string; given: Given; want: ReturnType<typeof partMet> }[])
    it(name, () => expect(partMet(windowWith(given))).to.deep.equal(want))

  it('meets the same places at the same positions, and nothing else would', () => {
    const pair = (min: number, max: number) => fc.tuple(fc.integer({ min, max }), fc.integer({ min, max }))
    const windows = fc
      .record({
        ...{ kernel: pair(1, 4), strides: pair(1, 3), dilations: pair(1, 3), input: pair(1, 4) },
        pads: fc.tuple(fc.nat(4), fc.nat(4), fc.nat(4), fc.nat(4)),
      })
      .map(windowWith)
      .filter(({ output }) => output.every(size => size > 0))
    let cut = 0
    fc.assert(
      fc.property(windows, window => {
        const { from, size, pads } = partMet(window)
        const part = windowWith({ ...window, kernel: size, pads })
        expect(part.output).to.deep.equal(window.output)
        const isHeld = (place: number): boolean => {
          const at: Pair = [Math.floor(place / window.kernel[1]), place % window.kernel[1]]
          return at.every((each, axis) => each >= from[axis]! && each < from[axis]! + size[axis]!)
        }
        const places = window.kernel[0] * window.kernel[1]
        const whole = placesMetAt(window)
        expect(whole.filter((_, i) => isHeld(i % places))).to.deep.equal(placesMetAt(part))
        expect(whole.filter((place, i) => !isHeld(i % places) && place !== undefined)).to.deep.equal([])
        if (size[0] * size[1] < places) cut++
      }),
      { numRuns: 500, seed: 1 },
    )
    expect(cut).to.be.greaterThan(50)
  })
})
