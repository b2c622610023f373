/**
 * Gradient of a convolution's weights [O, C/group, kh, kw] for a runtime whose time goes by nodes: one Gather lays what every window meets side
 * by side, [images and places, kernel places · C], and one product with dY sums over images and places.
 *
 * Convolutions with X and dY in each other's role would be fewer nodes still, but CUDA's library takes a tenth of a second to choose a kernel for each of
 * them, and its kernels are slow with windows as large as maps.
 */
import type { KernelGradient } from './kernel-gradient.ts'
import type { NodeContext } from './rule.ts'
import { kernelPlaces, placesMetAt, type Window } from './window.ts'

export function kernelGradientInFewNodes(
  context: NodeContext,
  window: Window,
  given: KernelGradient,
): string {
  const { inputs, outputs, group } = given
  if (group > 1)
    return group === inputs && group === outputs
      ? depthwise(context, window, given)
      : grouped(context, window, given)
  const { emit } = context
  const places = kernelPlaces(window)
  const reshape = (tensor: string, dims: readonly number[]): string =>
    emit('Reshape', [tensor, context.ints(dims)])
  const upstream = reshape(emit('Transpose', [given.gradient], { perm: channelsLast }), [-1, outputs])
  const columns = reshape(metByWindows(context, window, given), [-1, places * inputs])
  const product = emit('Gemm', [upstream, columns], { transA: 1 })
  return inOrder(context, window, product, outputs, inputs)
}

const channelsLast = [0, 2, 3, 1]

/** [O, kernel places · C] as [O, C, kh, kw]. */
function inOrder(
  context: NodeContext,
  window: Window,
  product: string,
  outputs: number,
  channels: number,
): string {
  const places = kernelPlaces(window)
  const dims = context.ints([outputs, channels, ...window.kernel])
  if (places === 1 || channels === 1) return context.emit('Reshape', [product, dims])
  const apart = context.emit('Reshape', [product, context.ints([outputs, places, channels])])
  return context.emit('Reshape', [context.emit('Transpose', [apart], { perm: [0, 2, 1] }), dims])
}

/** [N, output places · kernel places, C]. */
function metByWindows(context: NodeContext, window: Window, { input, inputs }: KernelGradient): string {
  const { emit } = context
  const [height, width] = paddedSize(window)
  const last = emit('Transpose', [padded(context, window, input)], { perm: channelsLast })
  const flat = emit('Reshape', [last, context.ints([-1, height * width, inputs])])
  const met = meetings(window, 'by output place')
  return met.length === height * width && met.every((place, i) => place === i)
    ? flat
    : emit('Gather', [flat, context.ints(met)], { axis: 1 })
}

/** One product for each group: [group, O/group, N · places] × [group, N · places, kernel places · C/group]. */
function grouped(context: NodeContext, window: Window, given: KernelGradient): string {
  const { emit } = context
  const { inputs, outputs, group } = given
  const [channels, filters, places] = [inputs / group, outputs / group, kernelPlaces(window)]
  const reshape = (tensor: string, dims: readonly number[]): string =>
    emit('Reshape', [tensor, context.ints(dims)])
  const rows = reshape(emit('Transpose', [given.gradient], { perm: [1, 0, 2, 3] }), [group, filters, -1])
  const apart = reshape(metByWindows(context, window, given), [-1, places, group, channels])
  const columns = emit('Transpose', [apart], { perm: [2, 0, 1, 3] })
  const product = emit('MatMul', [rows, reshape(columns, [group, -1, places * channels])])
  return inOrder(context, window, reshape(product, [outputs, -1]), outputs, channels)
}

/** A product for each image and channel, [kernel places, places] × [places], summed over images. */
function depthwise(
  context: NodeContext,
  window: Window,
  { input, gradient, inputs }: KernelGradient,
): string {
  const { emit } = context
  const [height, width] = paddedSize(window)
  const [outer, inner] = [window.output[0] * window.output[1], kernelPlaces(window)]
  const reshape = (tensor: string, dims: readonly number[]): string =>
    emit('Reshape', [tensor, context.ints(dims)])
  const met = emit(
    'Gather',
    [
      reshape(padded(context, window, input), [-1, height * width]),
      context.ints(meetings(window, 'by kernel place')),
    ],
    { axis: 1 },
  )
  const products = emit('MatMul', [reshape(met, [-1, inner, outer]), reshape(gradient, [-1, outer, 1])])
  const sum = emit('ReduceSum', [reshape(products, [-1, inputs * inner]), context.ints([0])], { keepdims: 0 })
  return reshape(sum, [inputs, 1, ...window.kernel])
}

/** While channels come first: CUDA's provider takes five times as long over other axes. */
function padded(context: NodeContext, { pads }: Window, input: string): string {
  if (pads.every(side => side === 0)) return input
  const [top, left, bottom, right] = pads
  return context.emit('Pad', [input, context.ints([0, 0, top, left, 0, 0, bottom, right])])
}

const paddedSize = ({ pads, input }: Window): [number, number] => [
  pads[0] + input[0] + pads[2],
  pads[1] + input[1] + pads[3],
]

/** Places of the padded map that each kernel place meets at each output place. */
function meetings(window: Window, order: 'by output place' | 'by kernel place'): readonly number[] {
  const padding = { pads: [0, 0, 0, 0], input: paddedSize(window) } as const
  const met = placesMetAt({ ...window, ...padding }) as readonly number[]
  if (order === 'by output place') return met
  const within = kernelPlaces(window)
  return Array.from({ length: within }, (_, place) => met.filter((_, i) => i % within === place)).flat()
}
