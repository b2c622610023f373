import { expect } from 'chai'
import type { Trace } from '../trace.ts'
import { gaussian, withNoise } from './noise.ts'
import { smallTrace } from './testing/small.ts'

const told = (trace: Trace): number[] =>
  trace.streams.flatMap(s => s.windows.flatMap(w => w.retraining.map(o => o.estimate!.accuracyAfter)))

describe('gaussian', () => {
  it('draws from the standard normal distribution', () => {
    const drawn = Array.from({ length: 20_000 }, (_, i) => gaussian(`draw ${i}`))
    const mean = drawn.reduce((a, b) => a + b, 0) / drawn.length
    const variance = drawn.reduce((sum, z) => sum + (z - mean) ** 2, 0) / drawn.length
    const beyond = (z: number) => drawn.filter(value => value > z).length / drawn.length
    expect(mean).to.be.closeTo(0, 0.03)
    expect(variance).to.be.closeTo(1, 0.05)
    expect(beyond(1)).to.be.closeTo(0.1587, 0.01)
    expect(beyond(2)).to.be.closeTo(0.0228, 0.005)
  })
})

describe('withNoise', () => {
  const noisy = (deviation: number, seed = '7') => withNoise(smallTrace, { deviation, seed })

  it('tells the truth without noise', () => {
    for (const stream of noisy(0).streams)
      for (const { retraining } of stream.windows)
        for (const { accuracyAfter, gpuSeconds, estimate } of retraining)
          expect(estimate).to.deep.equal({ accuracyAfter, gpuSeconds })
  })

  it('draws by seed: the same for the same, others for another', () => {
    expect(noisy(0.1)).to.deep.equal(noisy(0.1))
    expect(told(noisy(0.1, '8'))).to.not.deep.equal(told(noisy(0.1)))
  })

  it('errs of each stream, window and configuration on its own, by ε times the same draw', () => {
    const errors = (deviation: number) => told(noisy(deviation)).map((value, i) => value - told(noisy(0))[i]!)
    const [small, double] = [errors(0.01), errors(0.02)]
    expect(new Set(small.map(error => error.toFixed(9))).size).to.equal(small.length)
    small.forEach((error, i) => {
      expect(double[i]).to.be.closeTo(2 * error, 1e-12)
    })
  })

  it('keeps what is told within 0 and 1, and changes neither what comes true nor what it costs', () => {
    const wild = noisy(5)
    expect(told(wild).every(value => value >= 0 && value <= 1)).to.equal(true)
    expect(told(wild)).to.include(0).and.to.include(1)
    const actual = (trace: Trace) =>
      trace.streams.flatMap(s =>
        s.windows.flatMap(w => w.retraining.map(o => [o.accuracyAfter, o.gpuSeconds])),
      )
    expect(actual(wild)).to.deep.equal(actual(smallTrace))
    for (const stream of wild.streams)
      for (const { retraining } of stream.windows)
        for (const { gpuSeconds, estimate } of retraining) expect(estimate!.gpuSeconds).to.equal(gpuSeconds)
  })
})
