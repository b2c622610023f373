import { expect } from 'chai'
import type { GraphProto } from '../models/onnx.ts'
import { emitter } from './emitter.ts'

function empty() {
  const graph: GraphProto = { node: [], initializer: [], input: [], output: [] }
  return { graph, ...emitter(graph, ['x', 'transpose']) }
}

describe('an emitter', () => {
  it('gives names that nothing else has', () => {
    const { emit, fresh } = empty()
    expect([emit('Transpose', ['x']), fresh('x'), fresh('x')]).to.deep.equal(['transpose.1', 'x.1', 'x.2'])
  })

  it('keeps equal constants once, and those of another type or shape apart', () => {
    const { graph, ints, floats } = empty()
    const names = [ints([1, 2]), ints([1, 2]), floats([1, 2], [2]), floats([1, 2], [1, 2]), floats([1], [1])]
    expect(names[0]).to.equal(names[1])
    expect(new Set(names).size).to.equal(4)
    expect(graph.initializer.map(({ dims }) => dims)).to.deep.equal([[2], [2], [1, 2], [1]])
  })

  it('emits once what is asked for so', () => {
    const { graph, emit, once } = empty()
    const twice = [once('Neg', ['x']), once('Neg', ['x'])]
    expect(new Set([...twice, emit('Neg', ['x']), once('Neg', ['y'])]).size).to.equal(3)
    expect(graph.node).to.have.length(3)
  })

  const first = [0, 3, 1, 2]
  for (const { name, second, isBack } of [
    {
      name: 'gives what a Transpose was made of in place of one that undoes it',
      second: [0, 2, 3, 1],
      isBack: true,
    },
    { name: 'adds a Transpose that turns on', second: [0, 3, 1, 2], isBack: false },
    { name: 'adds a Transpose that undoes half', second: [0, 1, 3, 2], isBack: false },
    { name: 'adds a Transpose to the reverse, which undoes none', second: undefined, isBack: false },
  ])
    it(name, () => {
      const { graph, emit } = empty()
      const turned = emit('Transpose', ['x'], { perm: first })
      const back = emit('Transpose', [turned], second === undefined ? {} : { perm: second })
      if (isBack) expect(back).to.equal('x')
      else expect(graph.node.at(-1)!.output).to.deep.equal([back])
      expect(graph.node).to.have.length(isBack ? 1 : 2)
    })
})
