import { expect } from 'chai'
import { withDefaults } from './defaults.ts'
import { specSchemas } from './generated/schemas.ts'
import type { RetrainingWindowInput, RetrainingWindowSpec } from './generated/types.ts'

const windowSpec = (spec: RetrainingWindowInput['spec']) =>
  withDefaults(spec, specSchemas.RetrainingWindow!) as RetrainingWindowSpec

describe('defaults', () => {
  it('fill the shortest stream', () => {
    const spec = { source: { scene: { seed: 1 } }, classes: ['a', 'b'], model: { uri: 'm.onnx' } }
    expect(withDefaults(spec, specSchemas.CameraStream!)).to.deep.equal({
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
    const [head] = windowSpec({}).retraining.configurations
    expect(head).to.deep.equal({
      name: 'head-10',
      epochs: 10,
      trainableLayers: 'head',
      batchSize: 32,
      learningRate: 0.01,
      dataFraction: 1,
    })
    const spec = windowSpec({ retraining: { configurations: [{ name: 'a', epochs: 3 }] } })
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
    expect(windowSpec({}).gpus).to.not.equal(windowSpec({}).gpus)
  })
})
