import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { siteTraining } from './site-training.ts'
import { cappedTraits, speedAt, throughputCurve, trainingTraits } from './throughput-curves.ts'

describe('throughput curves', () => {
  it('of an H100 are as measured', () => {
    const page = readFileSync(new URL('../../docs/gpu.md', import.meta.url), 'utf8')
    const rows = [...page.matchAll(/^\| (\d+) % \| \d+ \| [\d.]+ \| ([\d.]+) \|/gm)]
    const measured = rows.map(([, share, speed]) => [Number(share) / 100, Number(speed)])
    expect(measured).to.have.length(20)
    expect(throughputCurve('NVIDIA H100 80GB HBM3')).to.deep.equal(measured)
  })

  for (const model of ['Tesla T4', 'NVIDIA A100-SXM4-40GB', undefined])
    it(`of ${model ?? 'an unknown GPU'} are in proportion`, () =>
      expect(throughputCurve(model)).to.equal(undefined))

  it('measured on the spot go before those of the kind', () => {
    const own = [
      [0.5, 0.9],
      [1, 1],
    ] as const
    expect(trainingTraits(5, 'NVIDIA H100 PCIe', own)).to.deep.equal({
      resizeSeconds: 5,
      throughputCurve: own,
    })
  })
})

describe('cappedTraits', () => {
  for (const { name, curve } of [
    { name: 'in proportion', curve: undefined },
    {
      name: 'by a curve',
      curve: [
        [0.1, 0.4],
        [0.5, 0.8],
        [1, 1],
      ] as const,
    },
  ])
    it(`promises nothing of more than a pod can hold, ${name}`, () => {
      const traits = { resizeSeconds: 1, ...(curve === undefined ? {} : { throughputCurve: curve }) }
      const capped = cappedTraits(traits, 0.25).throughputCurve
      for (const share of [0.05, 0.1, 0.2, 0.25, 0.3, 0.9])
        expect(speedAt(share, capped)).to.be.closeTo(speedAt(Math.min(share, 0.25), curve), 1e-9)
    })
})

describe('siteTraining', () => {
  const curve = [
    [0.5, 0.8],
    [1, 1],
  ] as const
  for (const { name, traits, want } of [
    { name: 'without GPUs', traits: [], want: { resizeSeconds: 0 } },
    {
      name: 'of one kind',
      traits: [
        { resizeSeconds: 5, throughputCurve: curve },
        { resizeSeconds: 5, throughputCurve: curve },
      ],
      want: { resizeSeconds: 5, throughputCurve: curve },
    },
    {
      name: 'of several kinds',
      traits: [
        { resizeSeconds: 5, throughputCurve: curve },
        { resizeSeconds: 10 },
        {
          resizeSeconds: 0,
          throughputCurve: [
            [0.25, 0.2],
            [1, 1],
          ] as const,
        },
      ],
      want: {
        resizeSeconds: 10,
        throughputCurve: [
          [0.25, 0.2],
          [0.5, 0.2 + 0.8 / 3],
          [1, 1],
        ],
      },
    },
  ])
    it(`answers for a site ${name}`, () => expect(siteTraining(traits)).to.deep.equal(want))
})
