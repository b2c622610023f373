/** What all pages of the dashboard have in common. */
import { type Html, html } from '../../text/html.ts'
import { clock } from './format.ts'

export interface Frame {
  readonly version: string
  readonly leads: boolean
  /** Who leads, where it is another replica. */
  readonly leader?: string
  readonly now: Date
}

export interface Crumb {
  readonly name: string
  readonly path: string
}

export interface PageContent {
  readonly title: string
  /** From the overview down, without the page itself. */
  readonly crumbs: readonly Crumb[]
  readonly body: Html
}

export function document(
  { title, crumbs, body }: PageContent,
  { version, leads, leader, now }: Frame,
): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · ekya</title>
<link rel="stylesheet" href="/assets/dashboard.css">
<link rel="icon" href="/assets/icon.svg">
<script type="module" src="/assets/live.js"></script>
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header>
<a class="brand" href="/">ekya</a>
<span class="dim">${version}</span>
<span data-part="leader">${leads ? 'this replica leads' : leader === undefined ? 'standby; no leader known' : `standby; ${leader} leads`}</span>
<span class="grow"></span>
<span class="dim" data-part="time">as of ${clock(now.toISOString())} UTC</span>
<button type="button" id="live" hidden aria-pressed="true">Live</button>
<a href="/status.json">JSON</a> <a href="/metrics">Metrics</a>
</header>
<main id="main">
${crumbs.length === 0 ? '' : html`<nav aria-label="Breadcrumb" class="crumbs"><ol>${crumbs.map(({ name, path }) => html`<li><a href="${path}">${name}</a></li>`)}<li aria-current="page">${title}</li></ol></nav>`}
<h1>${title}</h1>
${body}
</main>
</body>
</html>
`.text
}

/** A part that is brought up to date while the page is open. Ids differ within a page. */
export const part = (id: string, content: Html): Html => html`<div data-part="${id}">${content}</div>`

export interface Column {
  readonly name: string
  readonly number?: boolean
  /** What it means, for those who point at it. */
  readonly hint?: string
}

/** A table that can be scrolled sideways, by keyboard as well. The first cell heads its row. */
export function table(
  caption: string,
  columns: readonly Column[],
  rows: readonly (readonly (Html | string)[])[],
): Html {
  const numeric = (i: number): Html => (columns[i]?.number === true ? html` class="n"` : html``)
  return html`<div class="scroll" role="region" aria-label="${caption}" tabindex="0"><table>
<caption>${caption}</caption>
<thead><tr>${columns.map(({ name, hint }, i) => html`<th scope="col"${numeric(i)}>${hint === undefined ? name : html`<abbr title="${hint}">${name}</abbr>`}</th>`)}</tr></thead>
<tbody>${rows.map(row => html`<tr>${row.map((cell, i) => (i === 0 ? html`<th scope="row"${numeric(i)}>${cell}</th>` : html`<td${numeric(i)}>${cell}</td>`))}</tr>`)}</tbody>
</table></div>`
}

export const facts = (entries: readonly (readonly [string, Html | string])[]): Html =>
  html`<dl class="facts">${entries.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`

/** A number that matters, with its name. */
export const figures = (entries: readonly (readonly [string, string, string])[]): Html =>
  html`<dl class="figures">${entries.map(([name, value, unit]) => html`<div><dt>${name}</dt><dd>${value}<span class="unit">${unit}</span></dd></div>`)}</dl>`

export const streamPath = (namespace: string | undefined, name: string): string =>
  `/streams/${encodeURIComponent(namespace ?? '')}/${encodeURIComponent(name)}`
export const windowPath = (namespace: string | undefined, name: string): string =>
  `/windows/${encodeURIComponent(namespace ?? '')}/${encodeURIComponent(name)}`
