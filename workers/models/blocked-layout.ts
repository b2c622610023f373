/**
 * The runtime's blocked layout (domain com.microsoft.nchwc): channels in blocks as wide as the processor's vectors, for which it has its
 * fastest convolutions. It uses them by itself where weights are constants; a training graph, whose weights are not, has to ask for them.
 */
import { encodeModel, floatValue, model, node } from './onnx.ts'
import { floats, openSession } from './session.ts'

export const blockedDomain = 'com.microsoft.nchwc'
/** The runtime's operators beside ONNX's own. */
export const extraDomain = 'com.microsoft'

let known: Promise<number> | undefined

/** Channels in a block on this processor; 1 where the runtime has no such layout. */
export function blockSize(): Promise<number> {
  known ??= measure().catch(() => 1)
  return known
}

/** A reordered image of four channels has as many as a block. */
async function measure(): Promise<number> {
  const reorder = { ...node('ReorderInput', ['x'], ['y']), domain: blockedDomain }
  const graph = {
    name: 'block',
    node: [reorder],
    initializer: [],
    input: [floatValue('x', [1, 4, 1, 1])],
    output: [{ name: 'y', type: { tensorType: { elemType: 1 } } }],
  }
  const bytes = encodeModel({
    ...model(graph),
    opsetImport: [{ version: 17 }, { domain: blockedDomain, version: 1 }],
  })
  const session = await openSession(bytes)
  try {
    const { y } = await session.run({ x: floats(new Float32Array(4), [1, 4, 1, 1]) })
    return y!.dims[1]!
  } finally {
    await session.release()
  }
}
