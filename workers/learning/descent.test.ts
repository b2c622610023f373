import { expect } from 'chai'
import { descend } from './descent.ts'
import { fastestUpdate, plainUpdate } from './momentum-update.ts'
import { wire } from './wire.ts'

describe('descend', () => {
  const slots = {
    parameters: [
      { name: 'w', dims: [1, 2], offset: 0, size: 2 },
      { name: 'b', dims: [1], offset: 2, size: 1 },
    ],
    statistics: [{ name: 'mean', dims: [2], offset: 0, size: 2 }],
  }
  const results = new Map([
    [wire.gradient('w'), Float32Array.of(1, -1)],
    [wire.gradient('b'), Float32Array.of(0.5)],
    [wire.batch('mean'), Float32Array.of(4, 8)],
  ])
  const weights = () => ({
    parameters: Float32Array.of(2, 4, 8),
    velocity: Float32Array.of(1, 0, 2),
    statistics: Float32Array.of(0, 4),
  })

  for (const { kernel, update } of [
    { kernel: 'plain', update: plainUpdate },
    { kernel: 'the fastest', update: fastestUpdate() },
  ]) {
    it(`moves weights along their velocity and decays matrices, in place: ${kernel}`, () => {
      const given = weights()
      const rates = { learningRate: 0.5, momentum: 0.5, weightDecay: 0.25, keep: 1 }
      descend(given, slots, name => results.get(name)!, rates, update)
      // velocity: 0.5 · 1 + 1 + 0.25 · 2, 0.5 · 0 − 1 + 0.25 · 4, 0.5 · 2 + 0.5
      expect([...given.velocity]).to.deep.equal([2, 0, 1.5])
      expect([...given.parameters]).to.deep.equal([1, 4, 7.25])
      expect([...given.statistics]).to.deep.equal([0, 4])
    })

    it(`lets running statistics follow the batch: ${kernel}`, () => {
      const given = weights()
      const rates = { learningRate: 0, momentum: 0, weightDecay: 0, keep: 0.75 }
      descend(given, slots, name => results.get(name)!, rates, update)
      expect([...given.statistics]).to.deep.equal([1, 5])
      expect([...given.parameters]).to.deep.equal([2, 4, 8])
    })
  }
})
