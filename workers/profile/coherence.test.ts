import { expect } from 'chai'
import { selectFrames } from '../inference/frame-selection.ts'
import { random } from '../models/random.ts'
import { classMix, coherence } from './coherence.ts'

/** Labels that change to a random other class with probability 1 − stay at each frame. */
function labels(frames: number, stay: number, classes: number, seed: number): number[] {
  const draw = random(seed, 'labels')
  let label = 0
  return Array.from({ length: frames }, () => {
    if (draw.next() > stay) label = (label + 1 + draw.integer(classes - 1)) % classes
    return label
  })
}

const truth = (all: readonly number[], distance: number): number => {
  const pairs = all.slice(distance).map((label, i) => label === all[i])
  return pairs.filter(Boolean).length / pairs.length
}

describe('coherence', () => {
  for (const { stay, classes } of [
    { stay: 0.97, classes: 6 },
    { stay: 0.8, classes: 4 },
    { stay: 0.995, classes: 2 },
  ]) {
    it(`of labels that stay with ${stay} is estimated from one frame in nine`, () => {
      const errors: number[] = []
      for (let seed = 0; seed < 10; seed++) {
        const all = labels(1800, stay, classes, seed)
        const selected = selectFrames({ seed, stream: 'cam-0', window: 0, frames: 1800, maxSamples: 200 })
        const frames = [...selected].map(frame => ({ frame, label: all[frame]! }))
        const found = coherence(frames, classes)!
        expect(found).to.have.length(17)
        for (const [k, value] of found.entries()) if (k > 0) expect(value).to.be.within(0, found[k - 1]!)
        for (const k of [1, 2, 4, 8, 16]) errors.push(Math.abs(found[k]! - truth(all, k)))
      }
      expect(errors.reduce((a, b) => a + b) / errors.length).to.be.below(0.04)
    })
  }

  it('is 1 where nothing ever changes', () => {
    const frames = Array.from({ length: 50 }, (_, i) => ({ frame: 3 * i, label: 2 }))
    for (const value of coherence(frames, 6)!) expect(value).to.be.closeTo(1, 1e-6)
  })

  it('is unknown without pairs', () => {
    expect(coherence([], 6)).to.equal(null)
    expect(coherence([{ frame: 0, label: 1 }], 6)).to.equal(null)
    expect(
      coherence(
        [0, 1000, 2000].map(frame => ({ frame, label: 1 })),
        6,
      ),
    ).to.equal(null)
  })
})

describe('classMix', () => {
  it('is the share of each class', () => {
    const frames = [0, 2, 2, 1].map(label => ({ label }))
    expect(classMix(frames, 4)).to.deep.equal([0.25, 0.25, 0.5, 0])
  })
})
