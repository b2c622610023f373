/**
 * Gives a student's head rows for more classes, behind those that it has. The old classes keep their rows and so their logits; a new row is
 * drawn by seed, as spread as the old ones are, with their mean bias, so that no new class stands out before it is trained.
 */
import { floatValue, type GraphProto } from '../models/onnx.ts'
import { random } from '../models/random.ts'
import { LearningError } from './errors.ts'
import { headOf, headTensors } from './head.ts'
import { describeStudent, replaceTensors, type Student, withOwnWeights } from './student.ts'

/** @throws LearningError ConfigInvalid for fewer classes than there are, OperatorUnsupported for a head of another kind */
export function withClasses(given: Student, classes: number, seed: number): Student {
  const student = withOwnWeights(given, given.layers.length - 1)
  const head = headOf(student, 'more classes')
  if (classes === head.classes) return student
  if (!Number.isInteger(classes) || classes < head.classes)
    throw new LearningError(
      'ConfigInvalid',
      `classes is ${classes} but the model has ${head.classes} outputs; accepted: ${head.classes} or more`,
    )
  const { rows, bias, inputs } = head
  const draw = random(seed, 'new classes')
  const deviation = spread(rows)
  const added = Float32Array.from(
    { length: (classes - head.classes) * inputs },
    () => draw.normal() * deviation,
  )
  const mean = bias.reduce((sum, value) => sum + value, 0) / bias.length
  const tensors = headTensors(
    head,
    Float32Array.from([...rows, ...added]),
    Float32Array.from({ length: classes }, (_, i) => bias[i] ?? mean),
  )
  const named = new Map(tensors.map(tensor => [tensor.name!, tensor]))
  const model = replaceTensors(student.model, tensor => named.get(tensor.name!) ?? tensor)
  return describeStudent({ ...model, graph: resized(model.graph, classes) })
}

/** What the file tells of shapes: that of the output is another one, hints about those on the way may be wrong. */
function resized(graph: GraphProto, classes: number): GraphProto {
  const output = graph.output.map(({ name }) => floatValue(name, ['N', classes]))
  return { ...graph, output, valueInfo: [] }
}

/** Root mean square. */
const spread = (values: Float32Array): number =>
  Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length)
