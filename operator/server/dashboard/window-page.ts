/** One RetrainingWindow: accuracy over windows, the plan as shares of each GPU over time, its items, and the history. */
import type { RetrainingWindow } from '../../api/generated/types.ts'
import { type Html, html } from '../../text/html.ts'
import { lineChart } from './chart.ts'
import { clock, difference, percent, points, seconds } from './format.ts'
import { facts, figures, type PageContent, part, streamPath, table, windowPath } from './layout.ts'
import { pageOf, pager, type Query } from './paging.ts'
import { type Block, heldBlocks, plannedBlocks, type Span, shareChart, textures } from './share-chart.ts'
import type { DashboardSite } from './site.ts'

const gpusOnPage = 6
const itemsOnPage = 50

export function windowPage(
  site: DashboardSite,
  window: RetrainingWindow,
  query: Query,
  now: Date,
): PageContent {
  const { namespace, name } = window.metadata
  const { current, plan, history = [], conditions = [] } = window.status ?? {}
  const measured = history.find(entry => entry.realised !== undefined)
  const problems = [
    ...conditions
      .filter(({ type, status }) => type === 'Ready' && status !== 'True')
      .map(({ reason, message }) => `${reason}: ${message}`),
    ...(plan?.warnings ?? []),
  ]
  const items = pageOf(plan?.items ?? [], query.page, itemsOnPage)
  const path = windowPath(namespace, name)
  const body = html`${textures}${part(
    'now',
    html`${figures([
      ['Served', percent(measured?.realised), ' %'],
      ['Without retraining', percent(measured?.withoutRetraining), ' %'],
      ['Gain', points(difference(measured?.realised, measured?.withoutRetraining)), ' points'],
      ['Predicted for the window that runs', percent(plan?.predictedAccuracy), ' %'],
    ])}${facts([
      ['Window', String(current?.index ?? '–')],
      ['Phase', current?.phase ?? 'Pending'],
      ['Runs', html`${clock(current?.startedAt)} to ${clock(current?.endsAt)}`],
      ['Policy', window.spec.scheduler.policy],
      ['Measured last', measured === undefined ? '–' : `window ${measured.index}`],
    ])}${problems.map(problem => html`<p class="bad">▲ ${problem}</p>`)}`,
  )}
<section><h2>Accuracy over windows</h2>${part('accuracy', accuracyChart(window))}</section>
<section><h2>Shares of the GPUs</h2>${part('shares', shareSection(site, window, query, now))}</section>
<section><h2>Plan</h2>${part(
    'plan',
    items.total === 0
      ? html`<p class="dim">There is no plan.</p>`
      : html`${table(
          'What each stream gets, and why',
          planColumns,
          items.rows.map(item => planRow(namespace, item)),
        )}${pager(items, path, query, 'page', 'the plan')}`,
  )}</section>
<section><h2>Past windows</h2>${part('history', history.length === 0 ? html`<p class="dim">No window has ended yet.</p>` : table('Past windows, the last one first', historyColumns, history.map(historyRow)))}</section>`
  return { title: `${namespace}/${name}`, crumbs: [{ name: 'Overview', path: '/' }], body }
}

function accuracyChart(window: RetrainingWindow): Html {
  const past = (window.status?.history ?? []).toReversed()
  const values = (of: 'realised' | 'withoutRetraining' | 'predicted') => past.map(entry => entry[of] ?? null)
  return lineChart({
    id: 'accuracy',
    title: 'Mean accuracy in per cent over windows',
    indexes: past.map(({ index }) => index),
    series: [
      { name: 'served', kind: 'served', values: values('realised') },
      { name: 'without', kind: 'without', values: values('withoutRetraining') },
      { name: 'predicted', kind: 'predicted', values: values('predicted') },
    ],
  })
}

function shareSection(site: DashboardSite, window: RetrainingWindow, query: Query, now: Date): Html {
  const { startedAt, endsAt } = window.status?.current ?? {}
  if (startedAt === undefined || endsAt === undefined)
    return html`<p class="dim">No window runs: inference keeps the shares that the plan gives it.</p>`
  const [start, end] = [Date.parse(startedAt), Date.parse(endsAt)]
  const present = now.getTime()
  const span: Span = {
    // A window back, as far as anything is known of it.
    from: Math.min(present, Math.max(start - (end - start), Math.min(site.shares.begin, start))),
    now: present,
    to: Math.max(end, present + 1000),
  }
  const gpus = pageOf(site.cluster.gpus(window), query.gpus, gpusOnPage)
  const since = new Date(site.shares.begin).toISOString()
  return html`<p class="key">Before “now”: what pods held, as this replica has seen it since ${clock(since)}. After it, pale and dashed: the plan in force; when a training ends its share is handed on. Plain: inference. Hatched: training. Dotted: profiling.</p>
${gpus.rows.map(({ node, gpu, fault }, i) => {
  const blocks = [
    ...heldBlocks(site.shares.of(node, gpu, span.from), span),
    ...plannedBlocks(window, { node, gpu }, span),
  ]
  const title = `GPU ${gpu} of ${node}`
  return html`<h3>${title}</h3>${fault === undefined ? '' : html`<p class="bad">▲ It does not serve: ${fault}</p>`}${shareChart(`gpu-${i}`, `Shares of ${title} in per cent over time`, blocks, span)}<details id="numbers-${i}"><summary>Numbers of ${title}</summary>${table(`Shares of ${title}`, blockColumns, blocks.map(blockRow))}</details>`
})}${pager(gpus, windowPath(window.metadata.namespace, window.metadata.name), query, 'gpus', 'GPUs')}${gpus.total === 0 ? html`<p class="bad">▲ No node offers a GPU.</p>` : ''}`
}

const blockColumns = [
  { name: 'Stream' },
  { name: 'Role' },
  { name: 'Share %', number: true },
  { name: 'From', number: true },
  { name: 'To', number: true },
  { name: 'Kind' },
]
const blockRow = ({ stream, role, share, from, to, planned }: Block): (Html | string)[] => [
  stream,
  role,
  percent(share),
  clock(new Date(from).toISOString()),
  clock(new Date(to).toISOString()),
  planned ? 'planned' : 'held',
]

const planColumns = [
  { name: 'Stream' },
  { name: 'GPU' },
  { name: 'Inference %', number: true },
  { name: 'Training %', number: true },
  { name: 'Configuration' },
  { name: 'Before %', number: true },
  { name: 'After %', number: true },
  { name: 'GPU-s', number: true },
  { name: 'Done', number: true },
  { name: 'State' },
  { name: 'Why' },
]
type Item = NonNullable<NonNullable<RetrainingWindow['status']>['plan']>['items'][number]
const planRow = (namespace: string | undefined, item: Item): (Html | string)[] => [
  html`<a href="${streamPath(namespace, item.stream)}">${item.stream}</a>`,
  `${item.node}/${item.gpu}`,
  percent(item.inferenceShare, 0),
  percent(item.trainingShare, 0),
  item.retrainingConfiguration ?? '–',
  percent(item.predictedBefore),
  percent(item.predictedAfter),
  item.retrainingConfiguration === undefined ? '–' : seconds(item.gpuSeconds),
  clock(item.completesAt),
  item.state,
  html`<span class="why">${item.reason ?? ''}</span>`,
]

const historyColumns = [
  { name: 'Window', number: true },
  { name: 'Served %', number: true },
  { name: 'Without %', number: true },
  { name: 'Gain', number: true },
  { name: 'Predicted %', number: true },
  { name: 'Error', number: true, hint: 'Mean absolute error of the predictions per stream, in points' },
  { name: 'Retrained', number: true },
  { name: 'GPU-s', number: true },
  { name: 'Policy' },
]
type Entry = NonNullable<NonNullable<RetrainingWindow['status']>['history']>[number]
const historyRow = (entry: Entry): (Html | string)[] => [
  String(entry.index),
  percent(entry.realised),
  percent(entry.withoutRetraining),
  points(difference(entry.realised, entry.withoutRetraining)),
  percent(entry.predicted),
  percent(entry.profilerError),
  String(entry.retrained ?? 0),
  seconds(entry.gpuSecondsTrained),
  entry.policy ?? '–',
]
