import { intValues } from '../../models/onnx.ts'
import { alongAxis } from './along-axis.ts'
import { fromFront, type GradientRule, type NodeContext } from './rule.ts'

/** The gradient goes back to the places that were taken; the others get zeros. */
export const slice: GradientRule = context => {
  context.copy()
  const taken = takenPlaces(context)
  return gradient => {
    const rank = context.dims(context.node.input[0]!).length
    const [before, after] = [new Array<number>(rank).fill(0), new Array<number>(rank).fill(0)]
    let spread = gradient
    for (const { axis, size, places } of taken) {
      const contiguous = places.every((place, i) => place === places[0]! + i)
      if (contiguous) {
        before[axis] = places[0]!
        after[axis] = size - places.length - places[0]!
        continue
      }
      const back = Array.from({ length: size }, (_, place) => places.map(each => (each === place ? 1 : 0)))
      spread = alongAxis(context, spread, axis, back)
    }
    const pads = [...before, ...after]
    return [pads.every(pad => pad === 0) ? spread : context.emit('Pad', [spread, context.ints(pads)])]
  }
}

interface Taken {
  readonly axis: number
  /** Of the input along the axis. */
  readonly size: number
  /** Input places in the output's order; not empty. */
  readonly places: readonly number[]
}

/** What exporters write for "to the end", in 32 bits or 64. */
const endOfAny = 2 ** 31 - 1

function takenPlaces(context: NodeContext): Taken[] {
  const { node } = context
  const dims = context.dims(node.input[0]!)
  const values = (input: number, name: string): number[] | undefined => {
    if (!node.input[input]) return undefined
    const tensor = context.constant(input)
    return tensor === undefined
      ? context.refuse(`${name} (${node.input[input]}) is computed; accepted: a constant`)
      : intValues(tensor)
  }
  const starts = values(1, 'starts')!
  const ends = values(2, 'ends')!
  const axes = values(3, 'axes') ?? starts.map((_, i) => i)
  const steps = values(4, 'steps') ?? starts.map(() => 1)
  return axes.flatMap((given, i) => {
    const axis = fromFront(given, dims.length)
    const size = dims[axis]
    if (starts[i] === 0 && ends[i]! >= endOfAny && steps[i] === 1) return []
    if (size === null || size === undefined)
      return context.refuse(`it cuts axis ${axis}, whose size is unknown; accepted: axes of known size`)
    const places = placesOf(starts[i]!, ends[i]!, steps[i]!, size)
    return places.length === 0 ? context.refuse('nothing is left of its input') : [{ axis, size, places }]
  })
}

/** As ONNX counts: negative positions from the end, all clamped. */
function placesOf(start: number, end: number, step: number, size: number): number[] {
  const clamp = (value: number, least: number, most: number): number => Math.min(most, Math.max(least, value))
  const position = (value: number): number => (value < 0 ? value + size : value)
  const from = step > 0 ? clamp(position(start), 0, size) : clamp(position(start), 0, size - 1)
  const to = step > 0 ? clamp(position(end), 0, size) : clamp(position(end), -1, size - 1)
  const places: number[] = []
  for (let at = from; step > 0 ? at < to : at > to; at += step) places.push(at)
  return places
}
