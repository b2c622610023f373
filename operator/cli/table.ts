/** A table for a terminal. */

/** Columns are as wide as they must be and indented by two. @param left columns that begin at the left; the others end at the right. */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  left: readonly number[],
): string[] {
  const widths = head.map((title, c) => Math.max(title.length, ...rows.map(row => row[c]!.length)))
  return [head, ...rows].map(row => {
    const cells = row.map((cell, c) =>
      left.includes(c) ? cell.padEnd(widths[c]!) : cell.padStart(widths[c]!),
    )
    return `  ${cells.join('  ')}`.trimEnd()
  })
}
