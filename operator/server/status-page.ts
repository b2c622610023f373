/**
 * The status page: one HTML document without scripts, fonts or anything else to load.
 *
 * Reloads itself every few seconds. Tables carry captions and scoped headers; bars repeat a number that stands beside them.
 */
import { Html, html } from '../text/html.ts'
import type { StatusView, StreamView, WindowView } from './status-view.ts'

const refreshSeconds = 5

const styles = new Html(`
:root { color-scheme: light dark; --line: #d5d9de; --dim: #5d6670; --bar: #2f6fd0; --bar2: #c2761b; --bad: #b3261e; --good: #1b7a3d; --back: #fff; --text: #14181d }
@media (prefers-color-scheme: dark) { :root { --line: #3a424b; --dim: #9aa5b1; --bar: #6ea3f5; --bar2: #e0a055; --bad: #f2857c; --good: #6fcf93; --back: #14181d; --text: #e6eaee } }
body { font: 15px/1.45 system-ui, sans-serif; margin: 0 auto; max-width: 82rem; padding: 1rem 1.25rem 3rem; background: var(--back); color: var(--text) }
header { display: flex; flex-wrap: wrap; gap: .25rem 1.5rem; align-items: baseline }
h1 { font-size: 1.3rem; margin: .2rem 0 } h2 { font-size: 1.1rem; margin: 1.8rem 0 .2rem }
p { margin: .3rem 0 } .dim { color: var(--dim) } .bad { color: var(--bad) } .good { color: var(--good) }
.scroll { overflow-x: auto } table { border-collapse: collapse; width: 100%; margin-top: .6rem }
table.narrow { width: auto }
caption { text-align: left; font-weight: 600; padding: .3rem 0 }
th, td { text-align: left; padding: .35rem .8rem .35rem 0; border-bottom: 1px solid var(--line); vertical-align: top }
thead th { color: var(--dim); font-weight: 500; white-space: nowrap } td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
tbody th { font-weight: 600 } code { font-size: .92em } td.why { min-width: 18rem }
.bar { display: flex; width: 7rem; height: .5rem; background: var(--line); border-radius: .25rem; overflow: hidden; margin-top: .35rem }
.bar i { background: var(--bar) } .bar i + i { background: var(--bar2) }
`)

const percent = (value: number | null | undefined): string =>
  value === null || value === undefined ? '–' : `${(value * 100).toFixed(1)} %`
const points = (value: number | null): string =>
  value === null ? '–' : `${value >= 0 ? '+' : '−'}${Math.abs(value * 100).toFixed(1)}`
const clock = (time: string | null): Html | string =>
  time === null ? '–' : html`<time datetime="${time}">${time.slice(11, 19)} UTC</time>`
const width = (share: number | null): string => `${(Math.max(0, Math.min(1, share ?? 0)) * 100).toFixed(1)}%`

export function statusPage(view: StatusView, now: Date): string {
  const grouped = Map.groupBy(view.streams, stream =>
    stream.window === null ? '' : keyOf(stream.namespace, stream.window),
  )
  const known = new Set(view.windows.map(window => keyOf(window.namespace, window.name)))
  const strays = [...grouped].filter(([key]) => !known.has(key)).flatMap(([, streams]) => streams)
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="${refreshSeconds}">
<title>ekya-operator</title>
<style>${styles}</style>
</head>
<body>
<header>
<h1>ekya-operator</h1>
<span class="dim">${view.version}</span>
<span>${view.leader ? 'leader' : `standby; ${view.leaderIdentity ? `${view.leaderIdentity} leads` : 'no leader known'}`}</span>
<span class="dim">as of ${clock(now.toISOString())}</span>
<a href="/status.json">JSON</a> <a href="/metrics">metrics</a>
</header>
<main>
${gpuSection(view)}
${view.windows.map(window => windowSection(window, grouped.get(keyOf(window.namespace, window.name)) ?? []))}
${strays.length > 0 ? html`<section><h2>Streams without a window</h2>${streamTable(strays, 'Streams that no RetrainingWindow selects')}</section>` : ''}
${view.windows.length + view.streams.length === 0 ? html`<p>There is no CameraStream and no RetrainingWindow yet.</p>` : ''}
</main>
</body>
</html>
`.text
}

const keyOf = (namespace: string, name: string): string => `${namespace}/${name}`

function gpuSection(view: StatusView): Html {
  if (view.gpus.length === 0) {
    return html`<p class="bad">No node offers a GPU: none carries the label <code>ekya.dev/sharing-backend</code>.</p>`
  }
  return html`<p>${view.gpus.map(
    ({ node, gpu, allocated }, index) =>
      html`${index > 0 ? ' · ' : ''}GPU <code>${node}/${gpu}</code> ${percent(allocated)} allocated`,
  )}</p>`
}

function windowSection(window: WindowView, streams: readonly StreamView[]): Html {
  return html`<section>
<h2>${window.namespace}/${window.name}</h2>
<p>window ${window.index ?? '–'} · <strong>${window.phase}</strong> · ${clock(window.startedAt)} to ${clock(window.endsAt)} · policy ${window.policy ?? '–'} · predicted ${percent(window.predictedAccuracy)}</p>
${window.problem ? html`<p class="bad">${window.problem}</p>` : ''}
${window.warnings.map(warning => html`<p class="bad">${warning}</p>`)}
${streamTable(streams, 'Streams')}
${planTable(window)}
${historyTable(window)}
</section>`
}

function streamTable(streams: readonly StreamView[], caption: string): Html {
  if (streams.length === 0) return html`<p class="dim">No stream is selected.</p>`
  return html`<div class="scroll"><table>
<caption>${caption}</caption>
<thead><tr><th scope="col">Stream</th><th scope="col">Ready</th><th scope="col">Model</th><th scope="col" class="n">Measured</th><th scope="col" class="n">Predicted</th><th scope="col" class="n">First model</th><th scope="col">Share: inference, training</th><th scope="col" class="n">Frames dropped</th><th scope="col">Decision</th></tr></thead>
<tbody>${streams.map(streamRow)}</tbody>
</table></div>`
}

function streamRow(stream: StreamView): Html {
  const { ready, problem, retraining, retrainingProgress, frames } = stream
  const training = stream.trainingShare ?? 0
  return html`<tr>
<th scope="row">${stream.name}</th>
<td>${ready === null ? '–' : html`<span class="${ready ? 'good' : 'bad'}">${ready ? 'yes' : 'no'}</span>`}${problem ? html`<br><span class="bad">${problem}</span>` : ''}</td>
<td>${stream.modelDigest ? html`<code title="${stream.modelDigest}">${stream.modelDigest.slice(0, 12)}</code>` : '–'}${stream.trainedInWindow === null ? '' : html`<br><span class="dim">of window ${stream.trainedInWindow}</span>`}</td>
<td class="n">${percent(stream.accuracyMeasured)}</td><td class="n">${percent(stream.accuracyPredicted)}</td><td class="n">${percent(stream.accuracyWithoutRetraining)}</td>
<td>${stream.inferenceShare === null ? '–' : html`${percent(stream.inferenceShare)}, ${percent(training)}<span class="bar" aria-hidden="true"><i style="width:${width(stream.inferenceShare)}"></i><i style="width:${width(training)}"></i></span>`}</td>
<td class="n">${frames ? html`${frames.dropped} of ${frames.offered}` : '–'}</td>
<td class="why">${stream.decision ?? '–'}${retraining ? html`<br><span class="dim">training ${retraining}: ${percent(retrainingProgress)}</span>` : ''}</td>
</tr>`
}

function planTable({ plan }: WindowView): Html | string {
  if (plan.length === 0) return ''
  return html`<div class="scroll"><table>
<caption>Plan</caption>
<thead><tr><th scope="col">Stream</th><th scope="col" class="n">Inference</th><th scope="col" class="n">Training</th><th scope="col">Configuration</th><th scope="col" class="n">Before → after</th><th scope="col">State</th><th scope="col">Why</th></tr></thead>
<tbody>${plan.map(
    item =>
      html`<tr><th scope="row">${item.stream}</th><td class="n">${percent(item.inferenceShare)}</td><td class="n">${percent(item.trainingShare)}</td><td>${item.configuration ?? '–'}</td><td class="n">${percent(item.predictedBefore)} → ${percent(item.predictedAfter)}</td><td>${item.state}</td><td class="why">${item.reason}</td></tr>`,
  )}</tbody>
</table></div>`
}

function historyTable({ history }: WindowView): Html | string {
  if (history.length === 0) return ''
  return html`<div class="scroll"><table class="narrow">
<caption>Past windows</caption>
<thead><tr><th scope="col" class="n">Window</th><th scope="col" class="n">Predicted</th><th scope="col" class="n">Realised</th><th scope="col" class="n">First models</th><th scope="col" class="n">Gain in points</th><th scope="col" class="n">Retrained</th><th scope="col" class="n">GPU-seconds trained</th></tr></thead>
<tbody>${history.map(past => {
    const gain =
      past.realised === null || past.withoutRetraining === null
        ? null
        : past.realised - past.withoutRetraining
    return html`<tr><th scope="row" class="n">${past.index}</th><td class="n">${percent(past.predicted)}</td><td class="n">${percent(past.realised)}</td><td class="n">${percent(past.withoutRetraining)}</td><td class="n">${points(gain)}</td><td class="n">${past.retrained}</td><td class="n">${past.gpuSecondsTrained.toFixed(1)}</td></tr>`
  })}</tbody>
</table></div>`
}
