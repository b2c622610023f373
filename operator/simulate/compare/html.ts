/** Pieces of the page of a comparison. */
import { escaped } from '../../text/html.ts'

/** What every page begins with, by which it is known again. */
export const pageBegin = '<!doctype html>\n<!-- written by ekya compare -->\n'

export interface Table {
  readonly caption: string
  readonly head: readonly string[]
  /** The first cell heads its row. */
  readonly rows: readonly (readonly string[])[]
}

export function table({ caption, head, rows }: Table): string {
  const cells = (row: readonly string[]) =>
    row.map((cell, i) => (i === 0 ? `<th scope="row">${escaped(cell)}</th>` : `<td>${escaped(cell)}</td>`))
  return [
    `<table><caption>${escaped(caption)}</caption>`,
    `<thead><tr>${head.map(cell => `<th scope="col">${escaped(cell)}</th>`).join('')}</tr></thead>`,
    `<tbody>${rows.map(row => `<tr>${cells(row).join('')}</tr>`).join('\n')}</tbody></table>`,
  ].join('\n')
}
