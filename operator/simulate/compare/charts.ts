/**
 * The plots of a comparison as specifications of Vega-Lite. Accuracies are drawn in per cent. Colours are the page's CSS variables, so
 * that one drawing suits light and dark; series differ in shape and dashes too.
 */
import type { TopLevelSpec } from 'vega-lite'
import type { Capacity, CellResult } from './capacity.ts'
import type { HeldOverTime } from './held-over-time.ts'
import type { SensitivityPoint } from './sensitivity.ts'
import { counted } from './words.ts'

/** Series colours that the page defines, `--c0` and on. */
export const seriesColours = 12

/** Dashes of lines: drawn, left out, in pixels. */
const dashes = [
  [1, 0],
  [7, 3],
  [2, 2],
  [9, 3, 2, 3],
  [12, 4],
  [5, 2, 1, 2, 1, 2],
]

const colours = Array.from({ length: seriesColours }, (_, i) => `var(--c${i})`)

/** A facet of this width, two beside each other, fills the page. */
const panel = { width: 455, height: 250 }
const alone = { width: 700, height: 280 }
const wide = { width: 1000, height: 150 }

const config = {
  aria: false,
  background: 'transparent',
  font: 'system-ui, sans-serif',
  view: { stroke: 'var(--line)' },
  axis: {
    labelColor: 'var(--ink)',
    titleColor: 'var(--ink)',
    labelFontSize: 12,
    titleFontSize: 12,
    titleFontWeight: 'normal',
    gridColor: 'var(--line)',
    domainColor: 'var(--line)',
    tickColor: 'var(--line)',
  },
  header: { labelColor: 'var(--ink)', labelFontSize: 13, labelFontWeight: 'bold', title: null },
  legend: {
    orient: 'bottom',
    labelColor: 'var(--ink)',
    labelFontSize: 12,
    labelLimit: 420,
    symbolSize: 90,
    symbolOpacity: 1,
    columns: 4,
    title: null,
  },
} as const

const specification = (values: readonly object[], rest: object): TopLevelSpec =>
  ({
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    data: { values },
    config,
    ...rest,
  }) as unknown as TopLevelSpec

const percent = (accuracy: number | null): number | null => (accuracy === null ? null : accuracy * 100)

interface Axis {
  readonly field: string
  readonly title: string
  /** Where its ticks are. */
  readonly values: readonly number[]
  readonly type: 'linear' | 'log'
}

/** Accuracy over an axis, a line for each policy. */
function accuracyLines(
  { field, title, values, type }: Axis,
  policies: readonly string[],
  range: readonly [string, string] | null = null,
): object {
  const x = {
    field,
    type: 'quantitative',
    title,
    axis: { values, labelOverlap: true, grid: false },
    scale: { type, nice: false, padding: 14, ...(type === 'linear' ? { zero: false } : {}) },
  }
  const y = { type: 'quantitative', title: 'mean accuracy, %', scale: { zero: false } }
  const domain = { field: 'policy', type: 'nominal', scale: { domain: policies } }
  const color = { ...domain, scale: { domain: policies, range: colours } }
  const line = {
    mark: { type: 'line', strokeWidth: 2 },
    encoding: {
      x,
      y: { ...y, field: 'accuracy' },
      color,
      strokeDash: { ...domain, scale: { domain: policies, range: dashes } },
    },
  }
  const point = {
    mark: { type: 'point', filled: true, size: 55, opacity: 1 },
    encoding: { x, y: { ...y, field: 'accuracy' }, color, shape: domain },
  }
  if (range === null) return { layer: [line, point] }
  const [lowest, highest] = range
  const band = {
    mark: { type: 'rule', strokeWidth: 1.5, opacity: 0.6 },
    encoding: { x, y: { ...y, field: lowest }, y2: { field: highest }, color },
  }
  return { layer: [band, line, point] }
}

/** Panels beside each other, one legend. @param y whether panels share their upright axis. */
const panels = (names: readonly string[], spec: object, y: 'shared' | 'independent'): object => ({
  facet: { field: 'panel', type: 'nominal', sort: names, header: { title: null } },
  columns: 2,
  bounds: 'flush',
  spacing: { row: 75, column: 65 },
  spec: { ...(names.length === 1 ? alone : panel), ...spec },
  // With shared axes Vega draws one under the gap that an odd number of panels leaves.
  resolve: { scale: { y }, axis: { x: 'independent', y: 'independent' } },
})

const distinct = <T>(values: readonly T[]): T[] => [...new Set(values)]

/** One panel for each number of GPUs (Ekya, Fig. 6). @param cells of one thing that is seen. */
export function accuracyAgainstStreams(
  cells: readonly CellResult[],
  policies: readonly string[],
): TopLevelSpec {
  const streams = distinct(cells.map(cell => cell.streams))
  const names = distinct(cells.map(cell => counted(cell.gpus, 'GPU')))
  const values = cells.map(cell => ({
    panel: counted(cell.gpus, 'GPU'),
    streams: cell.streams,
    policy: cell.policy,
    accuracy: percent(cell.meanAccuracy),
  }))
  const axis: Axis = { field: 'streams', title: 'streams', values: streams, type: 'linear' }
  return specification(values, panels(names, accuracyLines(axis, policies), 'independent'))
}

/** One panel for each number of streams (Ekya, Fig. 8). @param cells of one thing that is seen. */
export function accuracyAgainstGpus(cells: readonly CellResult[], policies: readonly string[]): TopLevelSpec {
  const gpus = distinct(cells.map(cell => cell.gpus))
  const names = distinct(cells.map(cell => counted(cell.streams, 'stream')))
  const values = cells.map(cell => ({
    panel: counted(cell.streams, 'stream'),
    gpus: cell.gpus,
    policy: cell.policy,
    accuracy: percent(cell.meanAccuracy),
  }))
  const axis: Axis = { field: 'gpus', title: 'GPUs', values: gpus, type: 'log' }
  return specification(values, panels(names, accuracyLines(axis, policies), 'independent'))
}

/** One panel for each target (Ekya, Table 2). @param capacity of one thing that is seen. */
export function capacityBars(capacity: readonly Capacity[], policies: readonly string[]): TopLevelSpec {
  const name = (target: number) => `at least ${Number((target * 100).toFixed(4))} %`
  const names = distinct(capacity.map(({ target }) => name(target)))
  const values = capacity.map(({ target, gpus, policy, streams }) => ({
    panel: name(target),
    gpus: String(gpus),
    policy,
    streams,
  }))
  const offset = { field: 'policy', sort: policies }
  return specification(
    values,
    panels(
      names,
      {
        mark: { type: 'bar' },
        encoding: {
          x: {
            field: 'gpus',
            type: 'ordinal',
            sort: distinct(values.map(value => value.gpus)),
            title: 'GPUs',
            axis: { labelAngle: 0 },
          },
          xOffset: offset,
          y: { field: 'streams', type: 'quantitative', title: 'streams', axis: { tickMinStep: 1 } },
          color: { field: 'policy', type: 'nominal', scale: { domain: policies, range: colours } },
        },
      },
      'shared',
    ),
  )
}

/** What varies, as the axis of a sensitivity curve; the values as drawn. */
export const sensitivityAxes = {
  step: { title: 'Δ, GPUs', type: 'log', shown: (value: number) => value },
  window: { title: 'window, s', type: 'linear', shown: (value: number) => value },
  noise: { title: 'ε, points of accuracy', type: 'linear', shown: (value: number) => value * 100 },
} as const

/** Where noises were drawn, upright lines reach from the lowest to the highest of them. */
export function sensitivityCurve(
  varied: keyof typeof sensitivityAxes,
  points: readonly SensitivityPoint[],
  policies: readonly string[],
): TopLevelSpec {
  const { title, type, shown } = sensitivityAxes[varied]
  const values = points.map(({ policy, value, meanAccuracy, lowest, highest }) => ({
    value: shown(value),
    policy,
    accuracy: percent(meanAccuracy),
    lowest: percent(lowest ?? null),
    highest: percent(highest ?? null),
  }))
  const axis: Axis = { field: 'value', title, values: distinct(values.map(({ value }) => value)), type }
  const range = varied === 'noise' ? (['lowest', 'highest'] as const) : null
  return specification(values, { ...alone, ...accuracyLines(axis, policies, range) })
}

/** Streams with a colour of their own; the rest share the last colour. */
const ownColours = seriesColours - 1

/** Shares of all jobs over time, stacked: inference of all streams below, training above (Ekya, Fig. 9). */
export function allocationAreas(
  allocations: readonly { readonly policy: string; readonly allocation: HeldOverTime }[],
  windowSeconds: number,
): TopLevelSpec {
  const policies = allocations.map(({ policy }) => policy)
  const all = allocations[0]?.allocation.streams ?? []
  const shown = all.length > seriesColours ? all.slice(0, ownColours) : all
  const others = all.length > shown.length ? [`${all.length - shown.length} other streams`] : []
  const streams = [...shown, ...others]
  const values = allocations.flatMap(({ policy, allocation }) => areas(policy, allocation, streams))
  const seconds = Math.max(0, ...allocations.map(({ allocation }) => allocation.seconds))
  const borders = Array.from({ length: Math.max(0, Math.ceil(seconds / windowSeconds) - 1) }, (_, i) => ({
    datum: (i + 1) * windowSeconds,
  }))
  return specification(values, {
    facet: {
      row: {
        field: 'policy',
        type: 'nominal',
        sort: policies,
        header: { labelAngle: 0, labelAlign: 'left', labelOrient: 'top', labelAnchor: 'start' },
      },
    },
    spec: {
      ...wide,
      layer: [
        {
          mark: { type: 'area', interpolate: 'step-after', stroke: 'var(--paper)', strokeWidth: 0.5 },
          encoding: {
            x: {
              field: 'at',
              type: 'quantitative',
              title: 'seconds',
              scale: { domain: [0, seconds], nice: false },
              axis: { grid: false },
            },
            y: { field: 'share', type: 'quantitative', title: 'GPUs', stack: 'zero' },
            color: {
              field: 'stream',
              type: 'nominal',
              scale: { domain: streams, range: colours },
              legend: { symbolType: 'square', symbolStrokeWidth: 0, columns: 6 },
            },
            opacity: {
              field: 'job',
              type: 'ordinal',
              scale: { domain: ['inference', 'training'], range: [0.45, 1] },
              legend: { symbolType: 'square', symbolFillColor: 'var(--ink)', symbolStrokeWidth: 0 },
            },
            order: { field: 'order', type: 'quantitative' },
          },
        },
        ...borders.map(x => ({
          mark: { type: 'rule', strokeDash: [4, 3], color: 'var(--ink)' },
          encoding: { x },
        })),
      ],
    },
    resolve: { scale: { y: 'shared' } },
  })
}

function areas(
  policy: string,
  { streams, changes, seconds }: HeldOverTime,
  series: readonly string[],
): object[] {
  const last = changes.at(-1)
  // An area ends at its last point.
  const points = last === undefined ? [] : [...changes, { ...last, at: seconds }]
  return points.flatMap(({ at, inference, training }) =>
    (['inference', 'training'] as const).flatMap((job, j) => {
      const shares = job === 'inference' ? inference : training
      return series.map((stream, s) => {
        const own = s < series.length - 1 || series.length === streams.length
        const share = own ? shares[s]! : shares.slice(s).reduce((a, b) => a + b, 0)
        return { policy, at, stream, job, share, order: j * series.length + s }
      })
    }),
  )
}
