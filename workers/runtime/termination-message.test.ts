import { expect } from 'chai'
import fc from 'fast-check'
import { type ProfileResult, terminationMessageLimitBytes } from '../../operator/api/worker.ts'
import { encodeProfileResult } from '../profile/result.ts'
import { encodeResult } from './termination-message.ts'

const result = (profiles: number, epochs: number, name: string): ProfileResult => ({
  kind: 'profile',
  window: 7,
  samplesWindow: 6,
  labelled: 200,
  refused: 0,
  accuracy: { measured: 0.123456789, current: 0.5, initial: 0.25, validation: 1 / 3 },
  coherence: Array.from({ length: 17 }, (_, k) => 1 / (1 + k)),
  classMix: [0.1, 0.2, 0.3, 0.4],
  gpuSeconds: 1.23456789,
  profiles: Array.from({ length: profiles }, (_, i) => ({
    configuration: `${name}${i}`,
    points: Array.from({ length: epochs }, (_, e) => [0.1 * (e + 1), 1 / (e + 2)] as const),
    gpuSecondsPerEpoch: 0.123456789,
    setupGpuSeconds: 0.5,
  })),
})

describe('a result in a termination message', () => {
  it('is whole where it fits, with numbers rounded', () => {
    const parsed = JSON.parse(encodeProfileResult(result(3, 5, 'configuration-'))) as ProfileResult
    expect(parsed.profiles.map(({ points }) => points.length)).to.deep.equal([5, 5, 5])
    expect(parsed.coherence).to.have.length(17)
    expect(parsed.accuracy).to.deep.equal({
      measured: 0.12346,
      current: 0.5,
      initial: 0.25,
      validation: 0.33333,
    })
  })

  it('loses points of the curves first, but neither the first nor the last', () => {
    const given = result(18, 30, 'c-')
    const parsed = JSON.parse(encodeProfileResult(given)) as ProfileResult
    expect(parsed.profiles).to.have.length(18)
    for (const { points } of parsed.profiles) {
      expect(points.length).to.be.within(3, 29)
      expect(points[0]![0]).to.equal(0.1)
      expect(points.at(-1)![0]).to.equal(3)
    }
  })

  it('loses what the running window shows as a whole', () => {
    const soFar = { labelled: 50, measured: 0.5, current: 0.5, expected: 0.5 }
    const whole = { ...result(4, 3, 'c-'), soFar }
    const kept = [700, 750, 800, 820, 840, 860, 880, 900].map(length => {
      const profiles = whole.profiles.map((each, i) => ({
        ...{ ...each, configuration: `${'c'.repeat(length)}${i}` },
        soFar: 0.6,
      }))
      const parsed = JSON.parse(encodeProfileResult({ ...whole, profiles })) as ProfileResult
      const there = parsed.soFar !== undefined
      for (const each of parsed.profiles) expect(each.soFar !== undefined).to.equal(there)
      return `${parsed.profiles.length} profiles, ${there ? 'with' : 'without'} it`
    })
    expect(kept).to.include('4 profiles, with it').and.to.include('4 profiles, without it')
  })

  it('fits and is JSON, whatever was measured', () => {
    fc.assert(
      fc.property(
        fc.nat(100),
        fc.nat(60),
        fc.string({ maxLength: 200, unit: 'grapheme' }),
        (profiles, epochs, name) => {
          const text = encodeProfileResult(result(profiles, epochs, name))
          expect(Buffer.byteLength(text)).to.be.at.most(terminationMessageLimitBytes)
          expect(JSON.parse(text)).to.include({ kind: 'profile', window: 7, labelled: 200 })
        },
      ),
      { numRuns: 15 },
    )
  })

  it('that cannot be made shorter is an error, not a torn message', () => {
    expect(() => encodeResult({ text: 'x'.repeat(5000) }, [])).to.throw(RangeError, 'cannot be made shorter')
  })
})
