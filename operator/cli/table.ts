/** A table for a terminal. */
import { printable } from '../text/printable.ts'

/** Columns are as wide as they must be and indented by two. @param left columns that begin at the left; the others end at the right. */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  left: readonly number[],
): string[] {
  const shown = [head, ...rows].map(row => row.map(printable))
  const widths = head.map((_, c) => shown.reduce((most, row) => Math.max(most, row[c]!.length), 0))
  return shown.map(row => {
    const cells = row.map((cell, c) =>
      left.includes(c) ? cell.padEnd(widths[c]!) : cell.padStart(widths[c]!),
    )
    return `  ${cells.join('  ')}`.trimEnd()
  })
}
