/**
 * The part of a convolution's kernel that is ever over its input. Rows and columns at the kernel's sides that meet nothing but padding, whatever
 * the window's position, can be left out: what the convolution gives stays the same, and their gradient would be 0.
 */
import type { Pair, Window } from './window.ts'

export interface PartMet {
  /** Its first row and column. */
  readonly from: Pair
  /** Its rows and columns. */
  readonly size: Pair
  /** Those with which it slides over the same places. */
  readonly pads: Window['pads']
}

export function partMet(window: Window): PartMet {
  const { kernel, pads } = window
  const [rows, columns] = [alongAxis(window, 0), alongAxis(window, 1)]
  if (rows === undefined || columns === undefined) return { from: [0, 0], size: kernel, pads }
  return {
    from: [rows.from, columns.from],
    size: [rows.size, columns.size],
    pads: [rows.before, columns.before, rows.behind, columns.behind],
  }
}

/** Undefined where the kernel cannot be cut there. */
function alongAxis(window: Window, axis: 0 | 1) {
  const [kernel, stride, dilation] = [window.kernel[axis], window.strides[axis], window.dilations[axis]]
  const [input, output] = [window.input[axis], window.output[axis]]
  const positions = Array.from({ length: output }, (_, i) => i * stride - window.pads[axis])
  const isMet = (k: number): boolean =>
    positions.some(at => at + k * dilation >= 0 && at + k * dilation < input)
  const met = Array.from({ length: kernel }, (_, k) => k).filter(isMet)
  if (met.length === 0) return undefined
  const [from, to] = [met[0]!, met.at(-1)! + 1]
  const before = window.pads[axis] - from * dilation
  // With all of this padding there would be as many positions as before; what no window reaches is left out of it.
  const most = window.pads[axis + 2]! - (kernel - to) * dilation
  if (before < 0 || most < 0) return undefined
  const reach = (output - 1) * stride + (to - from - 1) * dilation + 1
  return { from, size: to - from, before, behind: Math.max(0, reach - input - before) }
}
