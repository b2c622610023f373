/**
 * Accuracy over windows as SVG: a chart with axes, and a line of the size of a word for table rows.
 *
 * A line is told apart by its mark and its dashes as well as by its colour; the numbers stand in a table on the same page.
 */
import { type Html, html } from '../../text/html.ts'
import { percent } from './format.ts'
import { scaleOf } from './scale.ts'

export interface Series {
  readonly name: string
  /** Style in the sheet, and which mark it has. */
  readonly kind: 'served' | 'without' | 'predicted'
  /** In [0, 1], one for each of the windows; null: unknown. */
  readonly values: readonly (number | null)[]
}

export interface Chart {
  /** Unlike that of every other drawing of the page. */
  readonly id: string
  readonly title: string
  /** Of the windows, rising. */
  readonly indexes: readonly number[]
  readonly series: readonly Series[]
  /** Windows to point out, and why. */
  readonly marked?: { readonly name: string; readonly indexes: ReadonlySet<number> }
}

const size = { width: 760, height: 230, left: 40, right: 130, top: 12, bottom: 34 }
const inner = { width: size.width - size.left - size.right, height: size.height - size.top - size.bottom }

export function lineChart({ id, title, indexes, series, marked }: Chart): Html {
  const values = series.flatMap(({ values }) => values.filter(value => value !== null))
  if (values.length === 0)
    return html`<p class="dim">No window has been measured yet: a window is measured while the next one labels its frames.</p>`
  const { low, high, ticks } = scaleOf(values)
  const x = (i: number): number =>
    size.left + (indexes.length === 1 ? inner.width / 2 : (i / (indexes.length - 1)) * inner.width)
  const y = (value: number): number => size.top + (1 - (value - low) / (high - low)) * inner.height
  const labels = everySoMany(indexes.length, 12)
  const ends = apart(
    series.map(({ values }) => y(values.findLast(value => value !== null) ?? low)),
    15,
  )
  return html`<svg class="chart" viewBox="0 0 ${size.width} ${size.height}" role="img" aria-labelledby="${id}-title ${id}-desc"><title id="${id}-title">${title}</title><desc id="${id}-desc">${described(indexes, series)}</desc>
${ticks.map(tick => html`<line class="grid" x1="${size.left}" x2="${size.width - size.right}" y1="${round(y(tick))}" y2="${round(y(tick))}"/><text class="axis" x="${size.left - 6}" y="${round(y(tick) + 4)}" text-anchor="end">${percent(tick, 0)}</text>`)}
${indexes.map((index, i) => (labels(i) ? html`<text class="axis" x="${round(x(i))}" y="${size.height - 16}" text-anchor="middle">${index}</text>` : html``))}
<text class="axis" x="${size.left + inner.width / 2}" y="${size.height - 2}" text-anchor="middle">window</text>
${marked === undefined ? '' : indexes.map((index, i) => (marked.indexes.has(index) ? html`<path class="flag" d="M${round(x(i))} ${size.height - size.bottom + 2}l4 6h-8z"/>` : html``))}
${series.map(one => line(one, x, y, indexes.length <= 40))}
${series.map(({ name, kind, values }, i) => (values.some(value => value !== null) ? html`<text class="label ${kind}" x="${size.width - size.right + 10}" y="${round(ends[i]! + 4)}">${signs[kind]} ${name}</text>` : html``))}
</svg>${marked === undefined || marked.indexes.size === 0 ? '' : html`<p class="key"><span aria-hidden="true">▲</span> ${marked.name}</p>`}`
}

/** @param label what the row is about */
export function sparkline(label: string, series: readonly Series[]): Html | string {
  const values = series.flatMap(({ values }) => values.filter(value => value !== null))
  const count = Math.max(0, ...series.map(({ values }) => values.length))
  if (values.length === 0 || count < 2) return ''
  const { low, high } = scaleOf(values)
  const x = (i: number): number => 2 + (i / (count - 1)) * 92
  const y = (value: number): number => 2 + (1 - (value - low) / (high - low)) * 18
  return html`<svg class="spark" viewBox="0 0 96 22" role="img" aria-label="${label}">${series.map(one => line(one, x, y, false))}</svg>`
}

export const signs: Readonly<Record<Series['kind'], string>> = { served: '●', without: '■', predicted: '◇' }

function line(
  { kind, values }: Series,
  x: (i: number) => number,
  y: (value: number) => number,
  marks: boolean,
): Html {
  let path = ''
  let pen = 'M'
  for (const [i, value] of values.entries()) {
    if (value === null) pen = 'M'
    else {
      path += `${pen}${round(x(i))} ${round(y(value))}`
      pen = 'L'
    }
  }
  const mark = (cx: number, cy: number): Html => {
    if (kind === 'served') return html`<circle class="mark ${kind}" cx="${cx}" cy="${cy}" r="3.2"/>`
    if (kind === 'without')
      return html`<rect class="mark ${kind}" x="${round(cx - 3)}" y="${round(cy - 3)}" width="6" height="6"/>`
    return html`<path class="mark ${kind}" d="M${cx} ${round(cy - 4)}l4 4l-4 4l-4 -4z"/>`
  }
  return html`<path class="line ${kind}" d="${path}"/>${marks ? values.map((value, i) => (value === null ? html`` : mark(round(x(i)), round(y(value))))) : ''}`
}

function everySoMany(count: number, most: number): (i: number) => boolean {
  const step = [1, 2, 5, 10, 20, 50].find(each => count / each <= most) ?? 100
  return i => i % step === 0
}

/** Labels at these heights, moved so far that none covers another. */
function apart(heights: readonly number[], least: number): number[] {
  const order = heights.map((_, i) => i).sort((a, b) => heights[a]! - heights[b]!)
  const moved = [...heights]
  for (const [rank, i] of order.entries()) {
    const above = order[rank - 1]
    if (above !== undefined) moved[i] = Math.max(moved[i]!, moved[above]! + least)
  }
  const over = Math.max(0, Math.max(...moved) - (size.height - size.bottom))
  return moved.map(height => height - over)
}

function described(indexes: readonly number[], series: readonly Series[]): string {
  const last = (values: Series['values']): string => percent(values.findLast(value => value !== null))
  return `Windows ${indexes[0]} to ${indexes.at(-1)}. ${series.map(({ name, values }) => `${name}: ${last(values)} % at last`).join('; ')}. The numbers stand in a table on this page.`
}

const round = (value: number): number => Math.round(value * 10) / 10
