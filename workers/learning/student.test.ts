import { expect } from 'chai'
import { smallCnn } from '../models/architectures/small-cnn.ts'
import {
  decodeModel,
  encodeModel,
  floatTensor,
  floatValue,
  floatValues,
  model,
  node,
} from '../models/onnx.ts'
import { firstTrained, readStudent, withWeights } from './student.ts'
import { classWeights, targetRows } from './targets.ts'

describe('readStudent', () => {
  it('counts layers from the input and gives each its BatchNormalization', () => {
    const { layers, input, output } = readStudent(smallCnn({ classes: 2, seed: 1, widths: [2, 3] }))
    expect([input, output]).to.deep.equal(['input', 'logits'])
    expect(layers.map(layer => layer.parameters)).to.deep.equal([
      ['conv1.weight', 'bn1.scale', 'bn1.bias'],
      ['conv2.weight', 'bn2.scale', 'bn2.bias'],
      ['head.weight', 'head.bias'],
    ])
  })

  it('takes weights out of Constant nodes', () => {
    const bytes = encodeModel(
      model({
        name: 'constant',
        node: [
          node('Constant', [], ['w'], { value: floatTensor('w', [4, 2], new Float32Array(8)) }),
          node('MatMul', ['x', 'w'], ['y']),
        ],
        initializer: [],
        input: [floatValue('x', ['N', 4])],
        output: [floatValue('y', ['N', 2])],
      }),
    )
    expect(readStudent(bytes).layers.map(layer => layer.parameters)).to.deep.equal([['w']])
  })

  it('takes models of opset 13 to 22', () => {
    const of = (version: number) => {
      const given = decodeModel(smallCnn({ classes: 2, seed: 1, widths: [2] }))
      return encodeModel({ ...given, opsetImport: [{ version }] })
    }
    for (const version of [13, 22]) expect(readStudent(of(version)).opset).to.equal(version)
    for (const version of [12, 23])
      expect(() => readStudent(of(version))).to.throw(`is written in opset ${version}; accepted: 13 to 22`)
  })

  it('puts trained weights back where they were, and changes nothing else', () => {
    const bytes = encodeModel(
      model({
        name: 'constant',
        node: [
          node('Constant', [], ['w'], { value: floatTensor('', [2, 2], [1, 2, 3, 4]) }),
          node('MatMul', ['x', 'w'], ['m']),
          node('Add', ['m', 'b'], ['y']),
        ],
        initializer: [floatTensor('b', [2], [5, 6])],
        input: [floatValue('x', ['N', 2])],
        output: [floatValue('y', ['N', 2])],
      }),
    )
    const student = readStudent(bytes)
    const same = new Map([
      ['w', Float32Array.of(1, 2, 3, 4)],
      ['b', Float32Array.of(5, 6)],
    ])
    const written = readStudent(encodeModel(withWeights(student.model, same)))
    expect(written.model.graph.node.map(each => each.opType)).to.deep.equal(['Constant', 'MatMul', 'Add'])
    expect(floatValues(written.initializers.get('w')!)).to.deep.equal(Float32Array.of(1, 2, 3, 4))
    const other = readStudent(
      encodeModel(withWeights(student.model, new Map([['w', Float32Array.of(9, 8, 7, 6)]]))),
    )
    expect(floatValues(other.initializers.get('w')!)).to.deep.equal(Float32Array.of(9, 8, 7, 6))
    expect(floatValues(other.initializers.get('b')!)).to.deep.equal(Float32Array.of(5, 6))
  })

  for (const { trainable, want } of [
    { trainable: 'all', want: 0 },
    { trainable: 'head', want: 2 },
    { trainable: 2, want: 1 },
    { trainable: 9, want: 0 },
  ] as const)
    it(`trains from layer ${want} on with trainableLayers ${trainable}`, () =>
      expect(
        firstTrained(readStudent(smallCnn({ classes: 2, seed: 1, widths: [2, 3] })), trainable),
      ).to.equal(want))
})

describe('targets', () => {
  it('weigh each class alike when balanced', () => {
    const labels = Int32Array.of(0, 0, 0, 1)
    expect([...classWeights(labels, 3, true)].map(weight => +weight.toFixed(3))).to.deep.equal([0.667, 2, 1])
    expect([...classWeights(labels, 3, false)]).to.deep.equal([1, 1, 1])
  })

  it('are one-hot rows that sum to 1', () => {
    const rows = targetRows(Int32Array.of(1, 0), Float32Array.of(1, 3))
    expect([...rows]).to.deep.equal([0, 0.75, 0.25, 0])
  })
})
