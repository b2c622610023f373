import { expect } from 'chai'
import { gainsBySwap } from './swap-gain.ts'

describe('what a training gains by a swap', () => {
  // At half of the GPU 40 GPU-seconds take 80 s, on all of it 40 s.
  const base = { gpuSeconds: 40, heldShare: 0.5, wantedShare: 1, swapSeconds: 10 }
  for (const { name, change, want } of [
    { name: 'ends sooner in spite of the new pod', change: {}, want: true },
    { name: 'would have ended before', change: { gpuSeconds: 8 }, want: false },
    { name: 'gains just what the swap takes', change: { gpuSeconds: 10 }, want: false },
    {
      name: 'is hardly faster with more',
      change: { throughputCurve: [[0.5, 0.9] as const, [1, 1] as const] },
      want: false,
    },
    { name: 'makes room', change: { wantedShare: 0.2, gpuSeconds: 1 }, want: true },
    { name: 'has not said what is left', change: { gpuSeconds: null }, want: true },
    { name: 'holds nothing yet', change: { heldShare: 0, gpuSeconds: 1 }, want: true },
  ])
    it(`${want ? 'swaps' : 'keeps its share'} where it ${name}`, () =>
      expect(gainsBySwap({ ...base, ...change })).to.equal(want))
})
