/** CSV as RFC 4180 has it, as far as lists of images need it: quotes, no line breaks inside a cell. */

export interface CsvRow {
  /** From 1. */
  readonly line: number
  readonly cells: readonly string[]
}

/** Blank lines are left out; a byte order mark is too. */
export function parseCsv(text: string): CsvRow[] {
  const rows: CsvRow[] = []
  for (const [position, line] of text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .entries()) {
    if (line.trim() !== '') rows.push({ line: position + 1, cells: parseCsvRow(line) })
  }
  return rows
}

export function parseCsvRow(line: string): string[] {
  if (!line.includes('"')) return line.split(',')
  const cells: string[] = []
  let cell = ''
  let quoted = false
  for (let i = 0; i < line.length; i++) {
    const char = line[i]!
    if (char === '"') {
      if (quoted && line[i + 1] === '"') {
        cell += char
        i++
      } else quoted = !quoted
    } else if (char === ',' && !quoted) {
      cells.push(cell)
      cell = ''
    } else cell += char
  }
  return [...cells, cell]
}

export const formatCsvRow = (cells: readonly (string | number)[]): string =>
  cells
    .map(cell => {
      const text = String(cell)
      if (/[\r\n]/.test(text))
        throw new RangeError(`a CSV cell must not hold a line break: ${JSON.stringify(text)}`)
      return /[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
    })
    .join(',')
