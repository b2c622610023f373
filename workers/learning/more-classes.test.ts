import { expect } from 'chai'
import { smallCnn } from '../models/architectures/small-cnn.ts'
import { openClassifier } from '../models/classifier.ts'
import { encodeModel, floatTensor, floatValue, model, node } from '../models/onnx.ts'
import { random } from '../models/random.ts'
import { withClasses } from './more-classes.ts'
import { readStudent, type Student } from './student.ts'

const shape = { channels: 3, height: 8, width: 8 }
const student = readStudent(smallCnn({ classes: 3, seed: 2, widths: [4, 6], shape }))

/** A head that stores its weight [inputs, classes], and whose output has a hint of its shape. */
function untransposed(): Student {
  const draw = random(3)
  const normal = (count: number) => Float32Array.from({ length: count }, () => draw.normal())
  const graph = {
    name: 'untransposed',
    node: [
      node('Flatten', ['x'], ['flat']),
      node('Gemm', ['flat', 'w', 'b'], ['sum']),
      node('Identity', ['sum'], ['y']),
    ],
    initializer: [floatTensor('w', [192, 3], normal(576)), floatTensor('b', [3], normal(3))],
    input: [floatValue('x', ['N', 3, 8, 8])],
    output: [floatValue('y', ['N', 3])],
    valueInfo: [floatValue('sum', ['N', 3])],
  }
  return readStudent(encodeModel(model(graph)))
}

async function logits(of: Student): Promise<number[][]> {
  const count = 4
  const draw = random(1)
  const pixels = Uint8Array.from({ length: count * 192 }, () => draw.integer(256))
  const classifier = await openClassifier(encodeModel(of.model), 'student')
  const values = await classifier.logits(pixels, count)
  await classifier.close()
  return Array.from({ length: count }, (_, i) => [
    ...values.subarray(i * classifier.classes, (i + 1) * classifier.classes),
  ])
}

describe('withClasses', () => {
  for (const { name, given } of [
    { name: 'rows', given: student },
    { name: 'columns', given: untransposed() },
  ])
    it(`keeps the logits of the classes that there were, where they are ${name} of the weight`, async () => {
      const [before, after] = [await logits(given), await logits(withClasses(given, 5, 1))]
      expect(after.map(row => row.length)).to.deep.equal([5, 5, 5, 5])
      for (const [i, row] of before.entries())
        for (const [column, value] of row.entries()) expect(after[i]![column]).to.be.closeTo(value, 1e-5)
    })

  it('draws new rows by seed', async () => {
    const newest = async (seed: number) => (await logits(withClasses(student, 4, seed))).map(row => row[3])
    expect(await newest(1)).to.deep.equal(await newest(1))
    expect(await newest(1)).to.not.deep.equal(await newest(2))
  })

  it('leaves a model alone that has so many', () => {
    expect(withClasses(student, 3, 1)).to.equal(student)
  })

  it('refuses fewer classes, and a head that is no Gemm', () => {
    expect(() => withClasses(student, 2, 1))
      .to.throw('classes is 2 but the model has 3 outputs; accepted: 3 or more')
      .with.property('code', 'ConfigInvalid')
    const product = {
      name: 'product',
      node: [node('Flatten', ['x'], ['flat']), node('MatMul', ['flat', 'w'], ['y'], {}, '')],
      initializer: [floatTensor('w', [192, 3], new Float32Array(576))],
      input: [floatValue('x', ['N', 3, 8, 8])],
      output: [floatValue('y', ['N', 3])],
    }
    expect(() => withClasses(readStudent(encodeModel(model(product))), 4, 1))
      .to.throw('node y (MatMul) is the head; accepted with more classes: a Gemm')
      .with.property('code', 'OperatorUnsupported')
  })
})
