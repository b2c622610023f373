import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { parse } from 'yaml'
import { activeStreams, mostStreams } from '../../cluster/snapshot.ts'
import { streamConditionInputs } from '../camera-stream/conditions.ts'
import type { PlanStatus } from '../plan-status.ts'
import { camera, gpu, retrainingWindow, site } from '../testing/site.ts'
import { item } from '../testing/window.ts'
import { windowConditionInputs } from './conditions.ts'
import { mostBytes, withinBounds } from './status-bounds.ts'

const plan = (reason: string, warnings: number): PlanStatus => ({
  window: 1,
  decidedAt: '2026-01-01T00:00:00.000Z',
  policy: 'thief',
  warnings: Array.from({ length: warnings }, (_, i) => `warning ${i} ${'x'.repeat(2000)}`),
  items: [
    {
      stream: 'cam-0',
      node: 'edge-0',
      gpu: '0',
      inferenceShare: 1,
      inferenceConfiguration: 'every-frame',
      trainingShare: 0,
      state: 'None',
      reason,
    },
  ],
})

describe('withinBounds', () => {
  it('leaves alone what is within them', () => {
    const small = { ...plan('short', 0), warnings: ['one'] }
    expect(withinBounds({ plan: small })).to.deep.equal({ plan: small })
  })

  it('shortens texts and counts the warnings that are left out', () => {
    const { items, warnings } = withinBounds({ plan: plan('r'.repeat(3000), 128) }).plan!
    expect(items[0]!.reason!.length).to.be.at.most(1024)
    expect(warnings).to.have.lengthOf(64)
    expect(warnings!.at(-1)).to.equal('and 65 more')
    for (const warning of warnings!) expect(warning.length).to.be.at.most(1024)
  })

  describe('of a site with as many streams as take part', () => {
    const uri = 'models/default/camera/'.padEnd(100, 'x')
    const one = plan('r'.repeat(1000), 0)
    const items = Array.from({ length: mostStreams }, (_, i) => ({
      ...{ ...one.items[0]!, stream: `camera-${i}`, initialUri: uri, predictedWindow: 0.8123 },
      model: { digest: 'd'.repeat(64), uri },
    }))
    const history = Array.from({ length: 20 }, (_, i) => ({
      index: 20 - i,
      streams: items.map(({ stream }) => ({
        name: stream,
        predicted: 0.8123,
        realised: 0.7612,
        retrained: true,
      })),
    }))
    const bounded = withinBounds({ plan: { ...one, items }, history })

    it('has a size that the API server takes, and all of its plan', () => {
      expect(Buffer.byteLength(JSON.stringify(bounded))).to.be.at.most(mostBytes)
      expect(bounded.plan!.items.map(({ stream }) => stream)).to.deep.equal(items.map(({ stream }) => stream))
      for (const { reason } of bounded.plan!.items) expect(reason).to.match(/^r+…$/)
    })

    it('leaves out the oldest records of streams and says how many', () => {
      const [newest, ...others] = bounded.history!
      expect(newest!.streams).to.have.lengthOf(mostStreams)
      expect(others.at(-1)).to.deep.equal({ index: 1, streamsLeftOut: mostStreams })
      const has = bounded.history!.map(({ streams }) => streams !== undefined)
      expect(has).to.deep.equal(has.toSorted((a, b) => Number(b) - Number(a)))
    })

    it('gives up what micro-profiles of many configurations said before it is too large', () => {
      const said = Array.from({ length: 32 }, (_, i) => ({
        ...{ configuration: `configuration-${i}`, accuracyAfter: 0.8123, gpuSeconds: 12.34 },
      }))
      const told = history.slice(0, 3).map(({ index, streams }) => ({
        index,
        streams: streams.map(each => ({ ...each, profiled: said })),
      }))
      const small = withinBounds({ plan: { ...one, items }, history: told })
      expect(Buffer.byteLength(JSON.stringify(small))).to.be.at.most(mostBytes)
      expect(small.history![0]!.streams).to.have.lengthOf(mostStreams)
    })

    it('settles', () => expect(withinBounds(bounded)).to.deep.equal(bounded))

    it('has as many items as the CRD allows', () => {
      const file = new URL('../../../crds/ekya.dev_retrainingwindows.yaml', import.meta.url)
      const [version] = parse(readFileSync(file, 'utf8')).spec.versions
      const { plan, history } = version.schema.openAPIV3Schema.properties.status.properties
      expect(plan.properties.items.maxItems).to.equal(mostStreams)
      expect(history.items.properties.streams.maxItems).to.equal(mostStreams)
    })
  })
})

describe('a window that selects more streams than take part', () => {
  const names = Array.from({ length: mostStreams + 3 }, (_, i) => `camera-${i}`)
  const born = (name: string) => (name === 'camera-7' ? '2026-01-02T00:00:00Z' : '2026-01-01T00:00:00Z')
  const snapshot = site(
    retrainingWindow({ current: { index: 4, phase: 'Retraining' } }),
    names.map(name => {
      const stream = camera(name)
      return { name, stream: { ...stream, metadata: { ...stream.metadata, creationTimestamp: born(name) } } }
    }),
  )

  it('has the oldest of them', () => {
    const active = activeStreams(snapshot)
    expect(active).to.have.lengthOf(mostStreams)
    expect(active.map(({ name }) => name)).to.not.include('camera-7')
  })

  it('says how many take no part', () => {
    const ready = windowConditionInputs(snapshot, snapshot.window.status!).find(c => c.type === 'Ready')
    expect(ready).to.include({ status: true, reason: 'TooManyStreams' })
    expect(ready!.message).to.match(/512 oldest streams; 3 more are selected and take no part/)
  })

  it('tells those, too', () => {
    const items = activeStreams(snapshot).map(({ name }) => item(name))
    const window = retrainingWindow({ plan: { ...plan('', 0), items } })
    const about = (name: string) =>
      streamConditionInputs({ stream: camera(name), window, refused: [], gpus: [gpu] }).find(
        c => c.type === 'Ready',
      )
    expect(about('camera-7')).to.include({ status: false, reason: 'TooManyStreams' })
    expect(about('camera-8')).to.include({ reason: 'Starting' })
  })
})
