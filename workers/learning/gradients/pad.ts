import { stringAttribute } from '../../models/onnx.ts'
import { alongAxis } from './along-axis.ts'
import { fromFront, type GradientRule, integers, type NodeContext } from './rule.ts'

/** Constant padding: the gradient is cut to the input again. Otherwise what came from an input place, padding included, goes back to it. */
export const pad: GradientRule = context => {
  context.copy()
  const mode = stringAttribute(context.node, 'mode', 'constant')
  const sides = sidesOf(context)
  if (mode === 'constant')
    return gradient => [
      context.emit('Pad', [
        gradient,
        context.ints([...sides.map(({ before }) => -before), ...sides.map(({ after }) => -after)]),
      ]),
    ]
  const origin = origins[mode]
  if (origin === undefined)
    return context.refuse(`mode is ${mode}; accepted: constant, ${Object.keys(origins).join(', ')}`)
  const dims = context.dims(context.node.input[0]!)
  return gradient => {
    let spread = gradient
    for (const [axis, { before, after }] of sides.entries()) {
      if (before === 0 && after === 0) continue
      const size = dims[axis]
      if (size === null || size === undefined)
        return context.refuse(`it pads axis ${axis}, whose size is unknown; accepted: axes of known size`)
      // A negative side is cut off first; what is padded is the rest.
      const [first, rest] = [Math.max(0, -before), size + Math.min(0, before) + Math.min(0, after)]
      const from = Array.from(
        { length: before + size + after },
        (_, i) => first + origin(i - Math.max(0, before), rest),
      )
      const back = Array.from({ length: size }, (_, place) => from.map(each => (each === place ? 1 : 0)))
      spread = alongAxis(context, spread, axis, back)
    }
    return [spread]
  }
}

/** The input place that a place of the padded tensor is copied from, counted from the input's first. */
const origins: Readonly<Record<string, (at: number, size: number) => number>> = {
  edge: (at, size) => Math.min(size - 1, Math.max(0, at)),
  reflect: (at, size) => (at < 0 ? -at : at >= size ? 2 * (size - 1) - at : at),
  wrap: (at, size) => ((at % size) + size) % size,
}

function sidesOf(context: NodeContext): { before: number; after: number }[] {
  const rank = context.dims(context.node.input[0]!).length
  const sides = Array.from({ length: rank }, () => ({ before: 0, after: 0 }))
  const pads = integers(context, 'pads', 1)!
  const axes = context.node.input[3] ? integers(context, 'axes', 3)! : sides.map((_, axis) => axis)
  for (const [i, axis] of axes.entries())
    sides[fromFront(axis, rank)] = { before: pads[i]!, after: pads[i + axes.length]! }
  return sides
}
