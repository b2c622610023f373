import { expect } from 'chai'
import { random } from '../models/random.ts'
import { fastestUpdate, plainUpdate, simdUpdate, type WebAssemblyRuntime } from './momentum-update.ts'

const { WebAssembly: runtime } = globalThis as unknown as { WebAssembly: WebAssemblyRuntime }
const parts: WebAssemblyRuntime = {
  validate: bytes => runtime.validate(bytes),
  Module: runtime.Module,
  Instance: runtime.Instance,
}
const refusing = class {
  readonly exports: unknown
  constructor() {
    throw new RangeError('could not allocate memory')
  }
}
const [learningRate, momentum, decay] = [0.1, 0.9, 5e-4]

describe('an update by SGD with momentum', () => {
  const weights = (length: number) => {
    const draw = random(length, 'momentum-update')
    const [parameters, velocity, gradient] = [1, 0.1, 0.01].map(scale =>
      Float32Array.from({ length }, () => scale * draw.normal()),
    )
    return { parameters: parameters!, velocity: velocity!, gradient: gradient! }
  }
  const updated = (update = plainUpdate, { parameters, velocity, gradient } = weights(0)) => {
    update(parameters, velocity, gradient, learningRate, momentum, decay)
    return { parameters, velocity }
  }

  it('uses SIMD here', () => {
    expect(fastestUpdate()).to.not.equal(plainUpdate)
    expect(fastestUpdate()).to.equal(fastestUpdate())
  })

  it('is the formula', () => {
    const { parameters: p, velocity: v, gradient: g } = weights(100)
    const { parameters, velocity } = updated(plainUpdate, weights(100))
    for (let i = 0; i < 100; i++) {
      const moved = momentum * v[i]! + g[i]! + decay * p[i]!
      expect(velocity[i]).to.be.closeTo(moved, 1e-7 * (Math.abs(v[i]!) + Math.abs(g[i]!) + Math.abs(p[i]!)))
      expect(parameters[i]).to.be.closeTo(p[i]! - learningRate * moved, 2e-7 * Math.abs(p[i]!) + 2e-8)
    }
  })

  it('rounds after each operation', () => {
    const tiny = 2 ** -24
    const [parameters, velocity, gradient] = [1, tiny, tiny].map(value => Float32Array.of(value))
    plainUpdate(parameters!, velocity!, gradient!, 1, 1, 1)
    // Each of two sums is a tie between 1 and the next float, which together they would reach.
    expect(velocity![0]).to.equal(1)
    expect(parameters![0]).to.equal(0)
  })

  for (const length of [0, 1, 3, 4, 5, 2047, 2048, 2049, 2 * 2048, 3 * 2048 + 6])
    it(`is the same in WebAssembly, bit by bit: ${length} weights`, () => {
      expect(updated(simdUpdate(runtime), weights(length))).to.deep.equal(
        updated(plainUpdate, weights(length)),
      )
    })

  for (const offset of [1, 2, 3, 5])
    it(`changes nothing beside a vector that begins at float ${offset} of a larger one`, () => {
      const length = 2048 + 7
      const want = updated(plainUpdate, weights(length))
      const { gradient, ...given } = weights(length)
      const around = (values: Float32Array) => {
        const whole = new Float32Array(offset + length + 5).fill(7)
        whole.set(values, offset)
        return { whole, inner: whole.subarray(offset, offset + length) }
      }
      const [parameters, velocity, slope] = [given.parameters, given.velocity, gradient].map(around)
      updated(simdUpdate(runtime), {
        parameters: parameters!.inner,
        velocity: velocity!.inner,
        gradient: slope!.inner,
      })
      expect(parameters!.whole).to.deep.equal(around(want.parameters).whole)
      expect(velocity!.whole).to.deep.equal(around(want.velocity).whole)
      expect(slope!.whole).to.deep.equal(around(gradient).whole)
    })

  it('carries what is no number any more', () => {
    const broken = weights(9)
    broken.gradient[2] = Number.NaN
    broken.gradient[8] = Number.POSITIVE_INFINITY
    const { parameters } = updated(simdUpdate(runtime), broken)
    expect([...parameters].map(value => Number.isFinite(value))).to.deep.equal(
      Array.from({ length: 9 }, (_, i) => i !== 2 && i !== 8),
    )
  })

  for (const { name, given } of [
    { name: 'there is no WebAssembly', given: undefined },
    { name: 'WebAssembly has no SIMD', given: { ...parts, validate: () => false } },
    { name: 'WebAssembly gets no memory', given: { ...parts, Instance: refusing } },
  ])
    it(`is left to the plain loop where ${name}`, () => {
      expect(simdUpdate(given)).to.equal(undefined)
    })
})
