import { expect } from 'chai'
import {
  encodeModel,
  floatTensor,
  floatValue,
  type GraphProto,
  intTensor,
  model,
  type NodeProto,
  node,
} from '../models/onnx.ts'
import { floats, openSession } from '../models/session.ts'
import { emitter } from './emitter.ts'
import { giveOut } from './give-out.ts'
import { dropUnread } from './unread.ts'

const graphOf = (nodes: NodeProto[]): GraphProto => ({
  name: 'given',
  node: nodes,
  initializer: [floatTensor('two', [], [2]), intTensor('flat', [1], [-1])],
  input: [floatValue('x', [2, 3])],
  output: [],
})

/** What the graph gives under these names. */
async function given(nodes: NodeProto[], wanted: readonly (readonly [tensor: string, name: string])[]) {
  const graph = graphOf(nodes)
  const fixed = new Set(['x', 'two', 'flat', 'known', ...wanted.map(([, name]) => name)])
  giveOut(
    graph,
    emitter(graph, fixed),
    wanted.map(([tensor, name]) => ({ tensor, name })),
    fixed,
  )
  graph.output.push(...wanted.map(([, name]) => ({ name, type: { tensorType: { elemType: 1 } } })))
  dropUnread(graph)
  const session = await openSession(encodeModel(model(graph)))
  const results = await session.run({ x: floats(Float32Array.of(1, 2, 3, 4, 5, 6), [2, 3]) })
  await session.release()
  return {
    operators: graph.node.map(each => each.opType),
    values: wanted.map(([, name]) => [...(results[name]!.data as Float32Array)]),
  }
}

describe('tensors given out under other names', () => {
  const doubled = [2, 4, 6, 8, 10, 12]
  for (const { name, nodes, wanted, operators, values } of [
    {
      name: 'are written there by the node that makes them',
      nodes: [node('Mul', ['x', 'two'], ['m']), node('Add', ['m', 'm'], ['n'])],
      wanted: [
        ['m', 'a'],
        ['n', 'b'],
      ] as const,
      operators: ['Mul', 'Add'],
      values: [doubled, doubled.map(value => 2 * value)],
    },
    {
      name: 'lose a Reshape that nothing else reads',
      nodes: [node('Mul', ['x', 'two'], ['m']), node('Reshape', ['m', 'flat'], ['f'])],
      wanted: [['f', 'a']] as const,
      operators: ['Mul'],
      values: [doubled],
    },
    {
      name: 'keep a Reshape for who reads it',
      nodes: [
        node('Mul', ['x', 'two'], ['m']),
        node('Reshape', ['m', 'flat'], ['f']),
        node('Neg', ['f'], ['n']),
      ],
      wanted: [
        ['f', 'a'],
        ['n', 'b'],
      ] as const,
      operators: ['Mul', 'Reshape', 'Neg'],
      values: [doubled, doubled.map(value => -value)],
    },
    {
      name: 'are copied where two have the same values',
      nodes: [node('Mul', ['x', 'two'], ['m'])],
      wanted: [
        ['m', 'a'],
        ['m', 'b'],
      ] as const,
      operators: ['Mul', 'Identity'],
      values: [doubled, doubled],
    },
    {
      name: 'are copied where others know them',
      nodes: [node('Mul', ['x', 'two'], ['known'])],
      wanted: [
        ['known', 'a'],
        ['x', 'b'],
      ] as const,
      operators: ['Mul', 'Identity', 'Identity'],
      values: [doubled, [1, 2, 3, 4, 5, 6]],
    },
  ])
    it(name, async () => {
      expect(await given(nodes, wanted)).to.deep.equal({ operators, values })
    })
})
