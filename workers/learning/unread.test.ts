import { expect } from 'chai'
import protobuf from 'protobufjs'
import { resnet18 } from '../models/architectures/resnet18.ts'
import { decodeModel, floatTensor, type GraphProto, type NodeProto, node } from '../models/onnx.ts'
import { onnxSchema } from '../models/onnx-schema.ts'
import { holdKernels } from './held-kernels.ts'
import { cudaStrengths, strengthsOf } from './strengths.ts'
import { readStudent } from './student.ts'
import { writeTrainingGraphs } from './training-graph.ts'
import { dropUnread } from './unread.ts'

const onCpu = await strengthsOf('cpu')

const inner: GraphProto = { node: [], initializer: [], input: [], output: [{ name: 'one' }] }

function left(nodes: readonly NodeProto[]) {
  const initializer = ['one', 'two'].map(name => floatTensor(name, [], [1]))
  const graph: GraphProto = { node: [...nodes], initializer, input: [], output: [{ name: 'y' }] }
  dropUnread(graph)
  return [...graph.node.map(({ output }) => output.join()), ...graph.initializer.map(({ name }) => name)]
}

describe('what nobody reads', () => {
  const made = node('Add', ['x', 'one'], ['y'])
  for (const { name, nodes, want } of [
    { name: 'stays where it is an output', nodes: [made], want: ['y', 'one'] },
    {
      name: 'is left out with what only it reads',
      nodes: [node('Neg', ['two'], ['n']), made, node('Mul', ['n', 'y'], ['m'])],
      want: ['y', 'one'],
    },
    {
      name: 'stays with all that it gives, where some of it is read',
      nodes: [node('Split', ['x'], ['a', 'b']), node('Add', ['b', 'two'], ['y'])],
      want: ['a,b', 'y', 'two'],
    },
    {
      name: 'stays where a graph within a node may read it',
      nodes: [
        node('Neg', ['two'], ['n']),
        node('If', ['x'], ['y'], { then_branch: { graph: inner }, else_branch: { graph: inner } }),
      ],
      want: ['n', 'y', 'one', 'two'],
    },
  ])
    it(name, () => expect(left(nodes)).to.deep.equal(want))

  const graphType = protobuf.Root.fromJSON(onnxSchema).lookupType('onnx.GraphProto')
  const scanned = (graph: GraphProto): GraphProto => {
    const body = graph.node.find(({ opType }) => opType === 'Scan')?.attribute?.find(each => each.g)?.g
    return body === undefined
      ? graph
      : (graphType.toObject(graphType.decode(body), { arrays: true }) as GraphProto)
  }
  for (const { name, strengths } of [
    { name: 'a step', strengths: onCpu },
    { name: 'many steps', strengths: cudaStrengths },
  ])
    it(`is not in the graph of ${name}`, async () => {
      const shape = { channels: 3, height: 32, width: 32 }
      const read = readStudent(resnet18({ classes: 3, seed: 1, shape, width: 0.25 }))
      const { student, shapes } = await holdKernels(read, { first: 0, strengths })
      const { graph } = decodeModel(writeTrainingGraphs(student, shapes, { first: 0, strengths }).step)
      const inside = scanned(graph)
      const reads = new Set([
        ...inside.node.flatMap(({ input }) => input),
        ...inside.output.map(output => output.name),
      ])
      const unread = [
        ...inside.node.filter(({ output }) => !output.some(each => reads.has(each))),
        ...inside.initializer.filter(tensor => !reads.has(tensor.name!)),
      ]
      expect(inside.node).to.have.length.above(100)
      expect(unread.map(each => each.name)).to.deep.equal([])
    })
})
