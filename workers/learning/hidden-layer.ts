/**
 * Puts a hidden layer of `units` in front of a student's head: head(x) becomes head(relu(hidden(x))).
 *
 * Where the layer is wide enough (units ≥ 2 · classes) the network computes the same logits as before: the first units hold +logits and
 * −logits, the head takes their difference, and the other units begin with random inputs and no say. Otherwise both layers begin at random.
 *
 * A hidden layer that was put in earlier stays when it has the same width. A wider one gets more units, with random inputs and no say, so
 * that the logits stay; of a narrower one the units stay whose outputs weigh most.
 */
import { floatTensor, floatValues, type ModelProto, node, type TensorProto } from '../models/onnx.ts'
import { random } from '../models/random.ts'
import { type Head, headOf, headTensors } from './head.ts'
import { describeStudent, replaceTensors, type Student, withOwnWeights } from './student.ts'

const hiddenName = 'ekya.hidden'
const names = { weight: `${hiddenName}.weight`, bias: `${hiddenName}.bias`, output: `${hiddenName}.output` }

/** @throws LearningError OperatorUnsupported for a head of another kind */
export function withHiddenLayer(given: Student, units: number, seed: number): Student {
  const student = withOwnWeights(given, given.layers.length - 1)
  const head = headOf(student, 'hiddenUnits')
  const [features, weightName, biasName] = head.node.input
  if (features === names.output) return head.inputs === units ? student : resized(student, head, units, seed)
  const tensors = initialise(head, units, seed)

  const { graph } = student.model
  const at = graph.node.findIndex(({ output }) => output[0] === head.node.output[0])
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
        node('Gemm', [features!, names.weight, names.bias], [`${hiddenName}.sum`], { transB: 1 }),
        node('Relu', [`${hiddenName}.sum`], [names.output]),
        node(
          'Gemm',
          [names.output, 'ekya.head.weight', 'ekya.head.bias'],
          head.node.output,
          { transB: 1 },
          head.node.name,
        ),
      ),
    },
  }
  return describeStudent(model)
}

/** Of so many inputs, as variance after a Relu is kept. */
const drawer = (seed: number) => {
  const draw = random(seed, hiddenName)
  return (fanIn: number) => () => draw.normal() * Math.sqrt(2 / fanIn)
}

function initialise({ classes, inputs, rows, bias }: Head, units: number, seed: number): TensorProto[] {
  const normal = drawer(seed)
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
    floatTensor(names.weight, [units, inputs], hidden),
    floatTensor(names.bias, [units], hiddenBias),
    floatTensor('ekya.head.weight', [classes, units], head),
    floatTensor('ekya.head.bias', [classes], new Float32Array(classes)),
  ]
}

function resized(student: Student, head: Head, units: number, seed: number): Student {
  const weight = floatValues(student.initializers.get(names.weight)!)
  const bias = floatValues(student.initializers.get(names.bias)!)
  const inputs = weight.length / bias.length
  const normal = drawer(seed)(inputs)
  // A unit beyond the old ones is undefined here.
  const kept = unitsByWeight(head)
    .slice(0, units)
    .sort((a, b) => a - b)
  const sources = Array.from({ length: units }, (_, i) => kept[i])
  const column = (row: number, unit: number | undefined): number =>
    unit === undefined ? 0 : head.rows[row * head.inputs + unit]!
  const tensors = [
    floatTensor(
      names.weight,
      [units, inputs],
      Float32Array.from({ length: units * inputs }, (_, i) => {
        const unit = sources[Math.floor(i / inputs)]
        return unit === undefined ? normal() : weight[unit * inputs + (i % inputs)]!
      }),
    ),
    floatTensor(
      names.bias,
      [units],
      Float32Array.from(sources, unit => (unit === undefined ? 0 : bias[unit]!)),
    ),
    ...headTensors(
      { ...head, inputs: units },
      Float32Array.from({ length: head.classes * units }, (_, i) =>
        column(Math.floor(i / units), sources[i % units]),
      ),
      head.bias,
    ),
  ]
  const named = new Map(tensors.map(tensor => [tensor.name!, tensor]))
  return describeStudent(replaceTensors(student.model, tensor => named.get(tensor.name!) ?? tensor))
}

/** The inputs of a head, those first whose weights are largest over all classes. */
function unitsByWeight({ classes, inputs, rows }: Head): number[] {
  const say = (unit: number): number =>
    Array.from({ length: classes }, (_, row) => rows[row * inputs + unit]! ** 2).reduce((a, b) => a + b, 0)
  const says = Array.from({ length: inputs }, (_, unit) => say(unit))
  return says.map((_, unit) => unit).sort((a, b) => says[b]! - says[a]!)
}
