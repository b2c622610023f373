/**
 * Puts a hidden layer of `units` in front of a student's head: head(x) becomes head(relu(hidden(x))).
 *
 * Where the layer is wide enough (units ≥ 2 · classes) the network computes the same logits as before: the first units hold +logits and
 * −logits, the head takes their difference, and the other units begin with random inputs and no say. Otherwise both layers begin at random.
 * A hidden layer that was put in earlier stays when it has the same width.
 */
import {
  floatTensor,
  floatValues,
  intAttribute,
  type ModelProto,
  node,
  type TensorProto,
} from '../models/onnx.ts'
import { random } from '../models/random.ts'
import { LearningError } from './errors.ts'
import { describeStudent, type Student } from './student.ts'

const hiddenName = 'ekya.hidden'

export function withHiddenLayer(student: Student, units: number, seed: number): Student {
  const head = student.layers.at(-1)!.node
  const [features, weightName, biasName] = head.input
  const weight = student.initializers.get(weightName!)
  if (head.opType !== 'Gemm' || weight === undefined || intAttribute(head, 'transA', 0) !== 0)
    throw new LearningError(
      'OperatorUnsupported',
      `node ${head.name} (${head.opType}) is the head; accepted in front of hiddenUnits: a Gemm with its own weight`,
    )
  const transposed = intAttribute(head, 'transB', 0) === 1
  const [classes, inputs] = (transposed ? weight.dims : weight.dims.toReversed()) as [number, number]
  if (features === `${hiddenName}.output`) {
    if (inputs === units) return student
    throw new LearningError(
      'ConfigInvalid',
      `hiddenUnits is ${units} but the model already has a hidden layer of ${inputs}; accepted: ${inputs}, or none`,
    )
  }
  const rows = transposed ? floatValues(weight) : transpose(floatValues(weight), inputs, classes)
  const bias = biasName ? floatValues(student.initializers.get(biasName)!) : new Float32Array(classes)
  const tensors = initialise(rows, bias, { classes, inputs, units, seed })

  const { graph } = student.model
  const at = graph.node.indexOf(head)
  const model: ModelProto = {
    ...student.model,
    graph: {
      ...graph,
      initializer: [
        ...graph.initializer.filter(each => each.name !== weightName && each.name !== biasName),
        ...tensors,
      ],
      node: graph.node.toSpliced(
        at,
        1,
        node('Gemm', [features!, `${hiddenName}.weight`, `${hiddenName}.bias`], [`${hiddenName}.sum`], {
          transB: 1,
        }),
        node('Relu', [`${hiddenName}.sum`], [`${hiddenName}.output`]),
        node(
          'Gemm',
          [`${hiddenName}.output`, 'ekya.head.weight', 'ekya.head.bias'],
          head.output,
          { transB: 1 },
          head.name,
        ),
      ),
    },
  }
  return describeStudent(model)
}

interface Sizes {
  readonly classes: number
  readonly inputs: number
  readonly units: number
  readonly seed: number
}

function initialise(
  rows: Float32Array,
  bias: Float32Array,
  { classes, inputs, units, seed }: Sizes,
): TensorProto[] {
  const draw = random(seed, hiddenName)
  const normal = (fanIn: number) => () => draw.normal() * Math.sqrt(2 / fanIn)
  const hidden = Float32Array.from({ length: units * inputs }, normal(inputs))
  const hiddenBias = new Float32Array(units)
  const head = Float32Array.from({ length: classes * units }, normal(units))
  if (units >= 2 * classes) {
    hidden.set(rows)
    hidden.set(
      rows.map(value => -value),
      rows.length,
    )
    hiddenBias.set(bias)
    hiddenBias.set(
      bias.map(value => -value),
      classes,
    )
    head.fill(0)
    for (let i = 0; i < classes; i++) {
      head[i * units + i] = 1
      head[i * units + classes + i] = -1
    }
  }
  return [
    floatTensor(`${hiddenName}.weight`, [units, inputs], hidden),
    floatTensor(`${hiddenName}.bias`, [units], hiddenBias),
    floatTensor('ekya.head.weight', [classes, units], head),
    floatTensor('ekya.head.bias', [classes], new Float32Array(classes)),
  ]
}

function transpose(values: Float32Array, rows: number, columns: number): Float32Array {
  return Float32Array.from(values, (_, i) => values[(i % rows) * columns + Math.floor(i / rows)]!)
}
