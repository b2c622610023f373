import { expect } from 'chai'
import { type NodeProto, node } from '../models/onnx.ts'
import { reluAfterPooling } from './relu-after-pooling.ts'

const window = { kernel_shape: [2, 2], strides: [2, 2] }
const relu = node('Relu', ['a'], ['r'])
const pool = node('MaxPool', ['r'], ['p'], window)

const wires = ({ opType, input, output }: NodeProto): string => `${opType} ${input} → ${output}`

describe('reluAfterPooling', () => {
  const shapes = new Map([
    ['a', [null, 3, 4, 4]],
    ['r', [null, 3, 4, 4]],
    ['p', [null, 3, 2, 2]],
  ])

  it('moves a Relu behind the pooling that reads it, and knows the shape between them', () => {
    const head = node('Flatten', ['p'], ['f'])
    const found = reluAfterPooling({ nodes: [relu, pool, head], shapes }, 'f', hint => `${hint}.1`)
    expect(found.nodes.map(wires)).to.deep.equal([
      'MaxPool a → p/pooled.1',
      'Relu p/pooled.1 → p',
      'Flatten p → f',
    ])
    expect(found.nodes[0]!.attribute).to.deep.equal(pool.attribute)
    expect(found.shapes.get('p/pooled.1')).to.deep.equal([null, 3, 2, 2])
  })

  for (const { name, nodes, output = 'p' } of [
    { name: 'something else reads the Relu', nodes: [relu, node('Neg', ['r'], ['n']), pool] },
    { name: 'the Relu is an output, too', nodes: [relu, pool], output: 'r' },
    { name: 'indices are asked for', nodes: [relu, node('MaxPool', ['r'], ['p', 'i'], window)] },
    {
      name: 'a window may meet padding alone',
      nodes: [relu, node('MaxPool', ['r'], ['p'], { ...window, dilations: [1, 2] })],
    },
    { name: 'it is a mean that is taken', nodes: [relu, node('AveragePool', ['r'], ['p'], window)] },
    {
      name: 'it is no Relu',
      nodes: [node('Neg', ['a'], ['r']), pool],
    },
  ])
    it(`leaves them as they are where ${name}`, () => {
      const found = reluAfterPooling({ nodes, shapes }, output, hint => hint)
      expect(found.nodes).to.deep.equal(nodes)
    })
})
