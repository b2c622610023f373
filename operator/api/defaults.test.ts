import { expect } from 'chai'
import { defaultedStreamSpec, defaultedWindowSpec, withDefaults } from './defaults.ts'

describe('defaults', () => {
  it('fill the shortest stream', () => {
    const spec = { source: { scene: { seed: 1 } }, classes: ['a', 'b'], model: { uri: 'm.onnx' } }
    expect(defaultedStreamSpec(spec)).to.deep.equal({
      source: { scene: { seed: 1, preset: 'street' } },
      frameRate: 5,
      classes: ['a', 'b'],
      model: { uri: 'm.onnx' },
      inference: { configurations: [{ name: 'every-frame', frameInterval: 1, resolutionScale: 1 }] },
      minAccuracy: 0,
      weight: 1,
      learner: 'sgd',
      nodeSelector: {},
      suspended: false,
    })
    expect(spec.source.scene).to.deep.equal({ seed: 1 })
  })

  it('fill items of lists, those of a default too', () => {
    const [head] = defaultedWindowSpec({}).retraining.configurations
    expect(head).to.deep.equal({
      name: 'head-10',
      epochs: 10,
      trainableLayers: 'head',
      batchSize: 32,
      learningRate: 0.01,
      dataFraction: 1,
    })
    const spec = defaultedWindowSpec({ retraining: { configurations: [{ name: 'a', epochs: 3 }] } })
    expect(spec.retraining.configurations[0]).to.include({ batchSize: 32, trainableLayers: 'all' })
  })

  it('take null for absent, and leave other values alone', () => {
    const schema = {
      type: 'object',
      properties: { a: { type: 'integer', default: 1 }, b: { type: 'integer' } },
    } as const
    expect(withDefaults({ a: null, b: null }, schema)).to.deep.equal({ a: 1 })
    expect(withDefaults('text', schema)).to.equal('text')
  })

  it('are not shared between two objects', () => {
    expect(defaultedWindowSpec({}).gpus).to.not.equal(defaultedWindowSpec({}).gpus)
  })
})
