/**
 * A comparison as one HTML page that needs nothing else: no network, no scripts; plots are SVG. It follows the reader's choice of light
 * or dark, and under each plot stand its numbers.
 */
import { escaped } from '../../text/html.ts'
import { type Comparison, failures, hindsightNote, seenIn } from './compare.ts'
import { type Figure, figuresOf, percent } from './figures.ts'
import { pageBegin, table } from './html.ts'
import { drawn } from './svg.ts'

const light =
  '#0b62a8 #c2410c #15803d #a21caf #8a6100 #0e7490 #be123c #4d7c0f #6d28d9 #334155 #92400e #64748b'
const dark = '#60a5fa #fb923c #4ade80 #e879f9 #facc15 #22d3ee #fb7185 #a3e635 #a78bfa #e2e8f0 #fdba74 #94a3b8'

const series = (colours: string): string =>
  colours
    .split(' ')
    .map((colour, i) => `--c${i}:${colour}`)
    .join(';')

const style = `
:root{color-scheme:light dark;--paper:#fff;--ink:#1f2933;--quiet:#52606d;--line:#d5dae0;${series(light)}}
@media (prefers-color-scheme:dark){:root{--paper:#12171d;--ink:#e6eaef;--quiet:#a9b4c0;--line:#3a4450;${series(dark)}}}
body{margin:0 auto;max-width:70rem;padding:1.5rem 1rem 4rem;background:var(--paper);color:var(--ink);font:1rem/1.5 system-ui,sans-serif}
h1{margin:0 0 .5rem;line-height:1.2}h2{margin:0;font-size:1.2rem}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1rem;margin:1rem 0}dt{color:var(--quiet)}dd{margin:0;overflow-wrap:anywhere}
figure{margin:3rem 0 0}figcaption p{margin:.2rem 0 .8rem;max-width:48rem;color:var(--quiet)}
.scroll{overflow-x:auto}svg{display:block;max-width:100%;min-width:36rem;height:auto}
table{border-collapse:collapse;margin:.5rem 0 1rem;font-size:.9rem;font-variant-numeric:tabular-nums}
caption{text-align:left;color:var(--quiet);padding-bottom:.3rem}
th,td{padding:.2rem .7rem;border-bottom:1px solid var(--line);text-align:right;white-space:nowrap}
th{font-weight:600}th[scope=row],th:first-child{text-align:left}
summary{cursor:pointer;margin-top:.5rem}:focus-visible{outline:2px solid var(--c0);outline-offset:2px}
.failed{border-left:4px solid var(--c6);padding-left:1rem}
`

export async function asPage(comparison: Comparison): Promise<string> {
  const figures = figuresOf(comparison)
  const shown: string[] = []
  for (const figure of figures) shown.push(await figureHtml(figure))
  return `${pageBegin}<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Policies compared: ${escaped(comparison.settings.policies.join(', '))}</title>
<style>${style}</style>
</head>
<body>
<main>
<h1>Policies compared</h1>
${settingsHtml(comparison)}
${failuresHtml(failures(comparison))}
${overview(comparison)}
${shown.join('\n')}
</main>
</body>
</html>
`
}

function settingsHtml({ trace, settings }: Comparison): string {
  const note = hindsightNote(settings)
  const { windowSeconds, step, delaySeconds, resizeSeconds, knowsLeftOut, seed } = settings
  const rows = [
    ['trace', trace.file],
    ...(trace.source === null ? [] : [['source', trace.source]]),
    ['policies', settings.policies.join(', ')],
    ...(note === undefined ? [] : [['what they see', note]]),
    ['windows', `${trace.windows} of ${windowSeconds} s`],
    ['smallest change of a share', `${Number(step.toFixed(6))} GPU`],
    ['delay before a plan', `${delaySeconds} s`],
    [
      'with estimates known from before',
      knowsLeftOut ? 'what came of the streams that a cell leaves out' : 'nothing',
    ],
    ['a resize costs a training', `${resizeSeconds} s`],
    ['seed', String(seed)],
  ]
  return `<dl>${rows.map(([name, value]) => `<dt>${escaped(name!)}</dt><dd>${escaped(value!)}</dd>`).join('\n')}</dl>`
}

function failuresHtml(sentences: readonly string[]): string {
  if (sentences.length === 0) return ''
  return `<section class="failed"><h2>Failed</h2><ul>${sentences.map(sentence => `<li>${escaped(sentence)}</li>`).join('')}</ul></section>`
}

/** Means over all cells: the one line to begin with. */
function overview({ cells, settings }: Comparison): string {
  const mean = (policy: string, sees: string): string => {
    const values = cells
      .filter(cell => cell.policy === policy && cell.sees === sees)
      .map(cell => cell.meanAccuracy)
    return values.length === 0 || values.some(value => value === null)
      ? '–'
      : percent(values.reduce<number>((a, b) => a + b!, 0) / values.length)
  }
  const count = settings.gpus.length * settings.streams.length
  return `<div class="scroll" role="region" aria-label="Means over the grid" tabindex="0">${table({
    caption: `Mean accuracy, %, over all ${count} cells of the grid`,
    head: ['policy', ...seenIn(cells).map(sees => `sees ${sees}`)],
    rows: settings.policies.map(policy => [policy, ...seenIn(cells).map(sees => mean(policy, sees))]),
  })}</div>`
}

async function figureHtml({ id, title, text, spec, tables }: Figure): Promise<string> {
  const svg = await drawn(spec, { id, title, description: `${text} The numbers stand in the table below.` })
  return `<figure id="${id}-figure">
<figcaption><h2>${escaped(title)}</h2><p>${escaped(text)}</p></figcaption>
<div class="scroll" role="region" aria-label="${escaped(title)}" tabindex="0">${svg}</div>
<details><summary>Numbers</summary>
<div class="scroll" role="region" aria-label="${escaped(`${title}: numbers`)}" tabindex="0">${tables.map(table).join('\n')}</div>
</details>
</figure>`
}
