import { expect } from 'chai'
import { decodeModel, floatTensor, intTensor, node } from '../../models/onnx.ts'
import { random } from '../../models/random.ts'
import { floats, openSession } from '../../models/session.ts'
import { inferShapes } from '../shapes.ts'
import { packValues, slotTensors } from '../slots.ts'
import { cudaStrengths, strengthsOf } from '../strengths.ts'
import { readStudent } from '../student.ts'
import { writeTrainingGraphs } from '../training-graph.ts'
import { wire } from '../wire.ts'
import { caseModel } from './gradient-check.ts'

const onCpu = await strengthsOf('cpu')
const sideBySide = { kernel_shape: [2, 2], strides: [2, 2] }
const overlapping = { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }

/** Image → 1×1 convolution to one channel → pooling → dense head. */
async function pooled(width: number, attributes: Record<string, number[]>, strengths = onCpu) {
  const nodes = [node('MaxPool', ['x'], ['y'], attributes)]
  const student = readStudent(await caseModel({ nodes, x: [1, 4, width] }, random(1)))
  const graphs = writeTrainingGraphs(student, await inferShapes(student), {
    first: 0,
    strengths: { ...strengths, weightsInPlace: true },
  })
  const run = async (stem: number): Promise<number> => {
    const session = await openSession(graphs.step)
    const bias = floatTensor('stem.bias', [1], [stem])
    const values = packValues(graphs.parameters, new Map([...student.initializers, ['stem.bias', bias]]))
    const results = await session.run(
      {
        image: floats(new Float32Array(2 * 4 * width), [1, 2, 4, width]),
        [wire.targets]: floats(Float32Array.of(1, 0, 0), [1, 3]),
        ...slotTensors(graphs.parameters, values),
      },
      [wire.loss],
    )
    await session.release()
    return (results[wire.loss]!.data as Float32Array)[0]!
  }
  return { operators: decodeModel(graphs.step).graph.node.map(each => each.opType), run }
}

describe('the gradient of MaxPool', () => {
  const slow = ['MaxUnpool', 'ScatterElements']
  for (const { name, width, attributes, strengths, want } of [
    { name: 'finds the maxima again in windows side by side', width: 64, attributes: sideBySide, want: [] },
    { name: 'asks for indices in long rows', width: 66, attributes: sideBySide, want: ['MaxUnpool'] },
    {
      name: 'asks for indices where a place is left out',
      width: 7,
      attributes: sideBySide,
      want: ['MaxUnpool'],
    },
    {
      name: 'adds up where windows overlap',
      width: 8,
      attributes: overlapping,
      want: ['ScatterElements'],
    },
    {
      name: 'takes few nodes where these count',
      width: 8,
      attributes: sideBySide,
      strengths: cudaStrengths,
      want: ['ScatterElements'],
    },
  ])
    describe(name, () => {
      it('by the operators that it takes', async () => {
        const { operators } = await pooled(width, attributes, strengths)
        expect(operators.filter(each => slow.includes(each))).to.deep.equal(want)
      })

      it('and a NaN shows in the loss', async () => {
        const { run } = await pooled(width, attributes, strengths)
        expect(await run(0.5)).to.be.greaterThan(0)
        expect(await run(Number.NaN)).to.be.NaN
      })
    })

  it('is a number where a window meets a padding of −∞ alone', async () => {
    const nodes = [
      node('Pad', ['x', 'sides', 'nothing'], ['wider']),
      node('MaxPool', ['wider'], ['pooled'], sideBySide),
      node('Clip', ['pooled', 'least'], ['y']),
    ]
    const tensors = [
      intTensor('sides', [8], [0, 0, 0, 0, 0, 0, 0, 2]),
      floatTensor('nothing', [], [Number.NEGATIVE_INFINITY]),
      floatTensor('least', [], [-1]),
    ]
    const student = readStudent(await caseModel({ nodes, tensors, x: [1, 4, 4] }, random(1)))
    const graphs = writeTrainingGraphs(student, await inferShapes(student), { first: 0, strengths: onCpu })
    const session = await openSession(graphs.step)
    const results = await session.run({
      image: floats(new Float32Array(2 * 4 * 4).fill(1), [1, 2, 4, 4]),
      [wire.targets]: floats(Float32Array.of(1, 0, 0), [1, 3]),
      ...slotTensors(graphs.parameters, packValues(graphs.parameters, student.initializers)),
    })
    await session.release()
    for (const { name } of graphs.parameters)
      expect([...(results[wire.gradient(name)]!.data as Float32Array)].some(Number.isNaN), name).to.equal(
        false,
      )
  })
})
