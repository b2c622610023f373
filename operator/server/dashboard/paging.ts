/** Long tables come in pages, chosen by the query of the address, so that a page's size does not grow with the site. */
import { type Html, html } from '../../text/html.ts'

export type Query = Readonly<Record<string, string>>

export interface Page<T> {
  readonly rows: readonly T[]
  /** From 1. */
  readonly page: number
  readonly pages: number
  readonly total: number
}

/** A page that is not there is the nearest one that is. @param wanted as in the query */
export function pageOf<T>(rows: readonly T[], wanted: string | undefined, size: number): Page<T> {
  const pages = Math.max(1, Math.ceil(rows.length / size))
  const asked = /^\d{1,6}$/.test(wanted ?? '') ? Number(wanted) : 1
  const page = Math.min(pages, Math.max(1, asked))
  return { rows: rows.slice((page - 1) * size, page * size), page, pages, total: rows.length }
}

/** The value if it is among those accepted, else the first of them. */
export const oneOf = <const T extends string>(value: string | undefined, accepted: readonly T[]): T =>
  accepted.find(each => each === value) ?? accepted[0]!

/** An address with one part of its query changed; other parts stay, empty ones go. */
export function withQuery(path: string, query: Query, changed: Query): string {
  const parts = Object.entries({ ...query, ...changed }).filter(([, value]) => value !== '')
  return parts.length === 0 ? path : `${path}?${new URLSearchParams(parts)}`
}

/** @param name of the query's part. @param label of the navigation, for those who hear it. */
export function pager(
  { page, pages, total }: Page<unknown>,
  path: string,
  query: Query,
  name: string,
  label: string,
): Html | string {
  if (pages === 1) return ''
  const link = (to: number, text: string) =>
    to < 1 || to > pages || to === page
      ? html`<span class="dim">${text}</span>`
      : html`<a href="${withQuery(path, query, { [name]: to === 1 ? '' : String(to) })}">${text}</a>`
  return html`<nav class="pager" aria-label="Pages of ${label}">${link(1, 'first')} ${link(page - 1, 'previous')} <span>page ${page} of ${pages} (${total})</span> ${link(page + 1, 'next')} ${link(pages, 'last')}</nav>`
}
