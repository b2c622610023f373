/** One CameraStream: accuracy, drift, models, the decision and why, recent frames with their labels, and its past windows. */
import { findCondition } from '../../api/conditions.ts'
import { openRetrain } from '../../api/requests.ts'
import { type Html, html } from '../../text/html.ts'
import { lineChart } from './chart.ts'
import { clock, difference, percent, points, seconds } from './format.ts'
import { facts, figures, type PageContent, part, streamPath, table, windowPath } from './layout.ts'
import { stateOf } from './overview-page.ts'
import { type Past, pastOf } from './records.ts'
import type { Sampled, SampledFrame } from './samples.ts'
import type { Member } from './site.ts'

export function streamPage({ stream, window }: Member, sampled: Sampled): PageContent {
  const { namespace, name } = stream.metadata
  const { status = {} } = stream
  const { accuracy, allocation, conditions = [], frames, model, models = [], decision } = status
  const past = pastOf(window, name)
  const item = window?.status?.plan?.items.find(each => each.stream === name)
  const drifting = findCondition(conditions, 'Drifting')
  const asked = openRetrain(stream)
  const body = html`${part(
    'now',
    html`${figures([
      ['Served', percent(accuracy?.measured), ' %'],
      ['Without retraining', percent(accuracy?.withoutRetraining), ' %'],
      ['Gain', points(difference(accuracy?.measured, accuracy?.withoutRetraining)), ' points'],
      ['Predicted for the window that runs', percent(accuracy?.predicted), ' %'],
    ])}${facts([
      ['State', stateOf(stream)],
      [
        'Window',
        window === undefined
          ? 'none selects it'
          : html`<a href="${windowPath(namespace, window.metadata.name)}">${window.metadata.name}</a>, ${status.window?.index ?? '–'}`,
      ],
      ['GPU', allocation === undefined ? '–' : `${allocation.node}/${allocation.gpu}`],
      ['Share for inference', allocation === undefined ? '–' : `${percent(allocation.share)} %`],
      [
        'Frames dropped',
        frames === undefined
          ? '–'
          : `${frames.dropped} of ${frames.offered} in window ${frames.window ?? '–'}`,
      ],
      ['Drift', drifting === undefined ? 'not known yet' : `${drifting.reason}: ${drifting.message}`],
    ])}`,
  )}
<section><h2>Decision</h2>${part(
    'decision',
    html`<p>${decision ?? 'Nothing has been decided yet.'}</p>${asked === undefined ? '' : html`<p>◆ A retraining was asked for (${asked}) and has not begun yet.</p>`}${
      item?.retrainingConfiguration === undefined
        ? ''
        : facts([
            ['Configuration', item.retrainingConfiguration],
            ['State', item.state],
            ['Estimated after', `${percent(item.estimate?.accuracyAfter)} %`],
            ['Estimated cost', `${seconds(item.estimate?.gpuSeconds)} GPU-s`],
            ['Share for training', `${percent(item.trainingShare)} %`],
            ['Runs', html`${clock(item.startsAt)} to ${clock(item.completesAt)}`],
            ['On validation', `${percent(item.accuracyBefore)} → ${percent(item.accuracyAfter)} %`],
          ])
    }`,
  )}</section>
<section><h2>Accuracy over windows</h2>${part('accuracy', accuracyChart(past))}</section>
<section><h2>Models</h2>${part(
    'models',
    models.length === 0
      ? html`<p class="dim">No model has been served yet.</p>`
      : table(
          'Models that were served, the last one first',
          modelColumns,
          models.map(each => [
            html`<code title="${each.digest}">${each.digest.slice(0, 12)}</code>`,
            each.digest === model?.digest ? '● in use' : '–',
            each.trainedInWindow === undefined ? 'deployed' : `window ${each.trainedInWindow}`,
            percent(each.accuracy),
            clock(each.servedSince),
          ]),
        ),
  )}</section>
<section><h2>Recent frames</h2>${part('frames', frameSection(stream.metadata, sampled))}</section>
<section><h2>Past windows</h2>${part('history', past.length === 0 ? html`<p class="dim">No window has ended yet.</p>` : table('Past windows, the last one first', pastColumns, past.toReversed().map(pastRow)))}</section>
<section><h2>Conditions</h2>${part(
    'conditions',
    table(
      'Conditions',
      conditionColumns,
      conditions.map(({ type, status: is, reason, message, lastTransitionTime }) => [
        type,
        is,
        reason,
        html`<span class="why">${message}</span>`,
        clock(lastTransitionTime),
      ]),
    ),
  )}</section>`
  return {
    title: `${namespace}/${name}`,
    crumbs: [
      { name: 'Overview', path: '/' },
      ...(window === undefined
        ? []
        : [{ name: window.metadata.name, path: windowPath(namespace, window.metadata.name) }]),
    ],
    body,
  }
}

function accuracyChart(past: readonly Past[]): Html {
  const values = (of: 'realised' | 'withoutRetraining' | 'predicted') =>
    past.map(({ record }) => record[of] ?? null)
  return lineChart({
    id: 'accuracy',
    title: 'Accuracy in per cent over windows',
    indexes: past.map(({ index }) => index),
    series: [
      { name: 'served', kind: 'served', values: values('realised') },
      { name: 'without', kind: 'without', values: values('withoutRetraining') },
      { name: 'predicted', kind: 'predicted', values: values('predicted') },
    ],
    marked: {
      name: 'a new model was taken in this window',
      indexes: new Set(past.filter(({ record }) => record.retrained === true).map(({ index }) => index)),
    },
  })
}

function frameSection(
  { namespace, name }: { readonly namespace?: string; readonly name: string },
  sampled: Sampled,
): Html {
  if ('why' in sampled) return html`<p class="dim">${sampled.why}</p>`
  const shown = ({ file, frame, served, golden }: SampledFrame): Html => {
    const right = served === golden
    return html`<li><figure><img src="${streamPath(namespace, name)}/frames/${sampled.window}/${file}" alt="Frame ${frame} of window ${sampled.window}" width="96" height="96" loading="lazy"><figcaption><span class="${right ? 'good' : 'bad'}">${right ? '✓' : '✗'} ${served ?? 'none'}</span><br>golden: ${golden ?? 'none'}</figcaption></figure></li>`
  }
  return html`<p class="key">A sample of the frames kept of window ${sampled.window}: ✓ or ✗ and the class that was served, and the golden label below.</p><ul class="frames">${sampled.frames.map(shown)}</ul>`
}

const modelColumns = [
  { name: 'SHA-256' },
  { name: 'Use' },
  { name: 'Trained in' },
  { name: 'Validation %', number: true },
  { name: 'Served since', number: true },
]
const conditionColumns = [
  { name: 'Condition' },
  { name: 'Status' },
  { name: 'Reason' },
  { name: 'Message' },
  { name: 'Since', number: true },
]
const pastColumns = [
  { name: 'Window', number: true },
  { name: 'Served %', number: true },
  { name: 'Without %', number: true },
  { name: 'Gain', number: true },
  { name: 'Predicted %', number: true },
  { name: 'Inference %', number: true },
  { name: 'Training %', number: true },
  { name: 'Trained' },
  { name: 'Estimated after %', number: true },
  { name: 'Came to %', number: true },
  { name: 'GPU-s', number: true },
  { name: 'Frames dropped', number: true },
]
const pastRow = ({ index, record }: Past): (Html | string)[] => [
  String(index),
  percent(record.realised),
  percent(record.withoutRetraining),
  points(difference(record.realised, record.withoutRetraining)),
  percent(record.predicted),
  percent(record.inferenceShare, 0),
  percent(record.trainingShare, 0),
  record.configuration === undefined
    ? '–'
    : `${record.configuration}${record.retrained === true ? ', taken' : ''}`,
  percent(record.estimate?.accuracyAfter),
  percent(record.outcome?.accuracyAfter),
  seconds(record.outcome?.gpuSeconds),
  record.framesDropped === undefined ? '–' : String(record.framesDropped),
]
