/** The site overview: every RetrainingWindow in a row, and the streams, a page at a time. */
import { findCondition } from '../../api/conditions.ts'
import type { CameraStream, RetrainingWindow } from '../../api/generated/types.ts'
import { type Html, html } from '../../text/html.ts'
import { type Series, sparkline } from './chart.ts'
import { clock, counted, difference, percent, points } from './format.ts'
import { type PageContent, part, streamPath, table, windowPath } from './layout.ts'
import { oneOf, pageOf, pager, type Query, withQuery } from './paging.ts'
import { pastOf } from './records.ts'
import type { DashboardSite, Member } from './site.ts'

const streamsOnPage = 50
const windowsOnPage = 20
const trend = 16

const filters = {
  all: () => true,
  retraining: ({ stream }: Member) => stream.status?.retraining !== undefined,
  drifting: ({ stream }: Member) => findCondition(stream.status?.conditions, 'Drifting')?.status === 'True',
  problems: ({ stream }: Member) => findCondition(stream.status?.conditions, 'Ready')?.status !== 'True',
}
const filterNames = ['all', 'retraining', 'drifting', 'problems'] as const

const gainOf = ({ stream: { status } }: Member): number | null =>
  difference(status?.accuracy?.measured, status?.accuracy?.withoutRetraining)
const lowestFirst = (of: (member: Member) => number | null | undefined) => (a: Member, b: Member) =>
  (of(a) ?? 2) - (of(b) ?? 2)
const sorts = {
  name: (a: Member, b: Member) => (key(a.stream) < key(b.stream) ? -1 : 1),
  accuracy: lowestFirst(({ stream }) => stream.status?.accuracy?.measured),
  gain: lowestFirst(gainOf),
}
const sortNames = ['name', 'accuracy', 'gain'] as const

export function overviewPage({ cluster }: DashboardSite, query: Query): PageContent {
  const windows = [...cluster.windows.list()].sort((a, b) => (key(a) < key(b) ? -1 : 1))
  const members = cluster.streams
    .list()
    .map(stream => ({ stream, window: cluster.membership(stream).window }))
  const show = oneOf(query.show, filterNames)
  const sort = oneOf(query.sort, sortNames)
  const named = (query.name ?? '').toLowerCase().slice(0, 63)
  const chosen = members
    .filter(filters[show])
    .filter(({ stream }) => key(stream).includes(named))
    .sort(sorts[sort])
  const streams = pageOf(chosen, query.page, streamsOnPage)
  const sites = pageOf(windows, query.sites, windowsOnPage)
  const count = (filter: (member: Member) => boolean) => members.filter(filter).length
  const body = html`${part(
    'summary',
    html`<p>${counted(members.length, 'stream')} in ${counted(windows.length, 'retraining window')}: ${count(filters.retraining)} retraining, ${count(filters.drifting)} drifting, ${count(filters.problems)} not ready.</p>`,
  )}
${part('sites', windows.length === 0 ? html`<p>There is no RetrainingWindow yet: it says which streams share which GPUs.</p>` : html`${table('Retraining windows', siteColumns, sites.rows.map(siteRow))}${pager(sites, '/', query, 'sites', 'retraining windows')}`)}
<form method="get" action="/" class="filter"><label>Name has <input name="name" value="${named}" maxlength="63"></label>
<label>Show <select name="show">${filterNames.map(name => html`<option${name === show ? html` selected` : ''}>${name}</option>`)}</select></label>
<label>Sort by <select name="sort">${sortNames.map(name => html`<option${name === sort ? html` selected` : ''}>${name}</option>`)}</select></label>
<button type="submit">Apply</button>${named !== '' || show !== 'all' ? html` <a href="${withQuery('/', { sort }, {})}">show all</a>` : ''}</form>
${part('streams', html`${streams.total === 0 ? html`<p class="dim">No stream matches.</p>` : table('Streams', streamColumns, streams.rows.map(streamRow))}${pager(streams, '/', query, 'page', 'streams')}`)}`
  return { title: 'Overview', crumbs: [], body }
}

const siteColumns = [
  { name: 'Window' },
  { name: 'Phase' },
  { name: 'Index', number: true },
  { name: 'Ends', number: true },
  { name: 'Retraining', number: true, hint: 'Streams whose training runs or waits, of all in the plan' },
  { name: 'Served %', number: true, hint: 'Mean accuracy in the last window that was measured' },
  { name: 'Without %', number: true, hint: 'The models first deployed, in the same window' },
  { name: 'Gain', number: true, hint: 'Points that retraining gained' },
  { name: 'Predicted %', number: true, hint: 'For the window that runs' },
  { name: 'Over windows', hint: 'Served (solid) and without retraining (dashed)' },
]

function siteRow(window: RetrainingWindow): (Html | string)[] {
  const { namespace, name } = window.metadata
  const { current, plan, history = [] } = window.status ?? {}
  const measured = history.find(entry => entry.realised !== undefined)
  const items = plan?.items ?? []
  const training = items.filter(({ state }) => state === 'Planned' || state === 'Training').length
  const recent = history.slice(0, trend).toReversed()
  const ready = findCondition(window.status?.conditions, 'Ready')
  return [
    html`<a href="${windowPath(namespace, name)}">${namespace}/${name}</a>`,
    html`${current?.phase ?? 'Pending'}${ready === undefined || ready.status === 'True' ? '' : html`<br><span class="bad">▲ ${ready.reason}</span>`}`,
    String(current?.index ?? '–'),
    clock(current?.endsAt),
    `${training} of ${items.length}`,
    percent(measured?.realised),
    percent(measured?.withoutRetraining),
    points(difference(measured?.realised, measured?.withoutRetraining)),
    percent(plan?.predictedAccuracy),
    sparkline(`Accuracy of ${name} over ${counted(recent.length, 'window')}`, [
      series(
        'served',
        recent.map(entry => entry.realised),
      ),
      series(
        'without',
        recent.map(entry => entry.withoutRetraining),
      ),
    ]),
  ]
}

const streamColumns = [
  { name: 'Stream' },
  { name: 'Window' },
  { name: 'State' },
  { name: 'Served %', number: true, hint: 'Accuracy in the last window that was measured' },
  { name: 'Without %', number: true, hint: 'The model first deployed, in the same window' },
  { name: 'Gain', number: true },
  { name: 'Predicted %', number: true },
  { name: 'Over windows', hint: 'Served (solid) and without retraining (dashed)' },
  { name: 'Inference %', number: true, hint: 'Share of one GPU that is held' },
  { name: 'Training %', number: true, hint: 'Share of one GPU that the training holds' },
  { name: 'Decision' },
]

function streamRow(member: Member): (Html | string)[] {
  const { stream, window } = member
  const { namespace, name } = stream.metadata
  const { accuracy, allocation, retraining, decision } = stream.status ?? {}
  const past = pastOf(window, name).slice(-trend)
  return [
    html`<a href="${streamPath(namespace, name)}">${namespace}/${name}</a>`,
    window === undefined
      ? '–'
      : html`<a href="${windowPath(namespace, window.metadata.name)}">${window.metadata.name}</a>`,
    stateOf(stream),
    percent(accuracy?.measured),
    percent(accuracy?.withoutRetraining),
    points(gainOf(member)),
    percent(accuracy?.predicted),
    sparkline(`Accuracy of ${name} over ${counted(past.length, 'window')}`, [
      series(
        'served',
        past.map(({ record }) => record.realised),
      ),
      series(
        'without',
        past.map(({ record }) => record.withoutRetraining),
      ),
    ]),
    percent(allocation?.share, 0),
    retraining === undefined ? '–' : percent(retraining.share, 0),
    html`<span class="why">${decision ?? '–'}</span>`,
  ]
}

/** In words and a sign; colour only repeats them. */
export function stateOf({ status }: CameraStream): Html {
  const ready = findCondition(status?.conditions, 'Ready')
  const drifting = findCondition(status?.conditions, 'Drifting')?.status === 'True'
  const served =
    ready?.status === 'True'
      ? html`<span class="good">● serving</span>`
      : html`<span class="bad">▲ ${ready?.reason ?? 'Pending'}</span>`
  const { retraining } = status ?? {}
  return html`${served}${drifting ? html`<br><span class="warn">↓ drifting</span>` : ''}${retraining === undefined ? '' : html`<br>◆ ${retraining.configuration}${retraining.progress === undefined ? '' : ` ${percent(retraining.progress, 0)} %`}`}`
}

const key = ({ metadata }: CameraStream | RetrainingWindow): string =>
  `${metadata.namespace}/${metadata.name}`
const series = (kind: Series['kind'], values: readonly (number | undefined)[]): Series => ({
  name: kind,
  kind,
  values: values.map(value => value ?? null),
})
