/** Numbers and times as the dashboard writes them. Accuracies and shares come in as ratios. */
import { type Html, html } from '../../text/html.ts'

type Unknown = null | undefined

export const percent = (value: number | Unknown, digits = 1): string =>
  value === null || value === undefined ? '–' : (value * 100).toFixed(digits)

/** Difference of two ratios in points, with its sign. */
export const points = (value: number | Unknown): string =>
  value === null || value === undefined ? '–' : `${value >= 0 ? '+' : '−'}${Math.abs(value * 100).toFixed(1)}`

export const difference = (a: number | Unknown, b: number | Unknown): number | null =>
  a === null || a === undefined || b === null || b === undefined ? null : a - b

export const seconds = (value: number | Unknown): string =>
  value === null || value === undefined ? '–' : value.toFixed(1)

/** Time of day, with the whole stamp for those who point at it. */
export const clock = (stamp: string | Unknown): Html | string =>
  stamp === null || stamp === undefined
    ? '–'
    : html`<time datetime="${stamp}" title="${stamp}">${stamp.slice(11, 19)}</time>`

/** `1 window`, `3 windows`. */
export const counted = (count: number, one: string): string => `${count} ${one}${count === 1 ? '' : 's'}`
