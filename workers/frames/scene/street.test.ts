import { createHash } from 'node:crypto'
import { expect } from 'chai'
import { openScene } from '../scene-source.ts'
import type { Conditions } from './conditions.ts'
import type { Drift } from './drift.ts'
import { driftOf } from './drift.ts'
import { sceneClasses } from './objects.ts'
import { createStreet, newFrame } from './street.ts'

const digest = (seed: number, seconds: number): string => {
  const canvas = newFrame()
  createStreet(seed).paint(canvas, seconds)
  return createHash('sha256').update(canvas.data).digest('hex')
}

/** Largest change of any number in the conditions, relative to what it ranges over. */
function change(a: Conditions, b: Conditions): number {
  const numbers = ({ light, weather, view, mix }: Conditions): number[] =>
    [{ ...light, noise: light.noise / 20 }, weather, view, mix].flatMap(part => Object.values(part))
  const other = numbers(b)
  return Math.max(...numbers(a).map((value, i) => Math.abs(value - other[i]!)))
}

describe('street', () => {
  it('shows the same frame for the same seed and second, whatever was shown before', () => {
    const canvas = newFrame()
    const street = createStreet(7)
    for (const seconds of [400, 3, 90.5, 12]) street.paint(canvas, seconds)
    expect(createHash('sha256').update(canvas.data).digest('hex')).to.equal(digest(7, 12))
    expect(digest(7, 12)).to.not.equal(digest(8, 12))
    expect(digest(7, 12)).to.not.equal(digest(7, 12.04))
  })

  it('keeps one class in view for more than half a second', () => {
    const street = createStreet(2, 'plain')
    const lengths: number[] = []
    let began = 0
    for (let i = 1; i < 6000; i++) {
      if (street.labelAt(i / 50) === street.labelAt((i - 1) / 50)) continue
      lengths.push((i - began) / 50)
      began = i
    }
    // Two of a kind may follow each other; none may flash by.
    expect(Math.min(...lengths.slice(1))).to.be.above(0.42)
    expect(lengths.length).to.be.within(110, 200)
  })

  it('shows all classes about alike on the plain day', () => {
    const street = createStreet(3, 'plain')
    const counts = new Map<string, number>()
    for (let seconds = 0; seconds < 1300; seconds += 1.3) {
      const label = street.labelAt(seconds)
      counts.set(label, (counts.get(label) ?? 0) + 1)
    }
    for (const name of sceneClasses) expect(counts.get(name), name).to.be.within(120, 215)
  })

  it('shows only the classes of the stream, numbered in its order', () => {
    const footage = openScene({ seed: 1 }, { classes: ['dog', 'ship', 'car'], frameRate: 1 })
    const window = { index: 0, startsAt: '', durationSeconds: 300, maxSamples: 0 }
    const labels = new Set(Array.from({ length: 300 }, (_, index) => footage.frame(window, index).label))
    expect([...labels].sort()).to.deep.equal([0, 2])
  })
})

describe('drift', () => {
  const steps = (drift: Drift, every: number): number[] =>
    Array.from({ length: 2400 }, (_, i) => change(drift(i * every), drift((i + 1) * every)))

  it('is none on the plain day', () => {
    expect(Math.max(...steps(driftOf(1, 'plain'), 1))).to.equal(0)
  })

  it('is smooth: no condition jumps within a quarter of a second', () => {
    for (const seed of [1, 2, 3, 4, 5, 6]) {
      const light = steps(driftOf(seed, 'street'), 0.25).filter(step => step > 0)
      expect(light.length, `seed ${seed}`).to.be.above(0)
      expect(Math.max(...light), `seed ${seed}`).to.be.below(0.06)
    }
  })

  it('comes at different times for different cameras', () => {
    const begins = [1, 2, 3].map(seed => steps(driftOf(seed, 'street'), 1).findIndex(step => step > 0))
    expect(new Set(begins).size).to.equal(3)
  })

  it('hardly touches every fourth camera', () => {
    const moved = (seed: number): number =>
      steps(driftOf(seed, 'street'), 1).reduce((sum, step) => sum + step, 0)
    for (const quiet of [4, 8]) expect(moved(quiet)).to.be.below(Math.min(...[1, 2, 3].map(moved)))
  })

  it('does not depend on the order in which it is asked', () => {
    const forward = driftOf(5, 'street')
    const backward = driftOf(5, 'street')
    const seconds = [0, 100, 250, 700]
    const want = seconds.map(forward)
    expect([...seconds].reverse().map(backward).reverse()).to.deep.equal(want)
  })
})
