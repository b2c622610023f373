/** Plain-text tables, and the two forms in which numbers appear in them. */

export interface Column {
  readonly title: string
  readonly align?: 'left' | 'right'
}

/** Lines without a trailing newline. Every character counts as one cell. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): readonly string[] {
  const widths = columns.map(({ title }, index) =>
    Math.max(title.length, ...rows.map(row => (row[index] ?? '').length)),
  )
  const line = (cells: readonly string[]): string =>
    columns
      .map(({ align }, index) => {
        const cell = cells[index] ?? ''
        const width = widths[index]!
        return align === 'right' ? cell.padStart(width) : cell.padEnd(width)
      })
      .join('  ')
      .trimEnd()
  return [line(columns.map(({ title }) => title)), ...rows.map(line)]
}

export const percent = (value: number | null | undefined): string =>
  value === null || value === undefined ? '–' : `${(value * 100).toFixed(1)} %`

export const points = (value: number | null | undefined): string =>
  value === null || value === undefined ? '–' : `${value < 0 ? '−' : '+'}${Math.abs(value * 100).toFixed(1)}`

export const share = (value: number | null | undefined): string =>
  value === null || value === undefined ? '–' : value.toFixed(2)

export const mean = (values: readonly (number | null | undefined)[]): number | null => {
  const known = values.filter(value => value !== null && value !== undefined)
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length
}
