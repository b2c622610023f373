/** Shapes of every tensor of a graph, as onnxruntime infers them, without running it. */
import { encodeModel, type GraphProto } from '../models/onnx.ts'
import { openSession } from '../models/session.ts'
import { LearningError } from './errors.ts'
import type { Dims } from './gradients/rule.ts'
import type { Student } from './student.ts'

/** Null stands for the batch, or for a size that is only known when the graph runs. */
export async function inferShapes(student: Student): Promise<ReadonlyMap<string, Dims>> {
  const made = student.nodes.flatMap(node => node.output.filter(name => name !== ''))
  const graph: GraphProto = {
    ...student.model.graph,
    node: [...student.nodes],
    initializer: [...student.initializers.values()],
    output: made.map(name => ({ name })),
  }
  let session: Awaited<ReturnType<typeof openSession>>
  try {
    session = await openSession(encodeModel({ ...student.model, graph }), { optimise: false })
  } catch (cause) {
    const [reason] = (cause as Error).message.split('\n')
    throw new LearningError('ModelInvalid', `the model cannot be loaded: ${reason}`, { cause })
  }
  try {
    const shapes = new Map<string, Dims>()
    for (const [name, tensor] of student.initializers) shapes.set(name, tensor.dims)
    for (const value of [...session.inputMetadata, ...session.outputMetadata])
      if (value.isTensor)
        shapes.set(
          value.name,
          value.shape.map(dim => (typeof dim === 'number' ? dim : null)),
        )
    return shapes
  } finally {
    await session.release()
  }
}
