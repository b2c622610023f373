/** The figures of a comparison's page: each a plot, words about it, and the numbers in it as a table. */
import type { TopLevelSpec } from 'vega-lite'
import type { Sees } from '../trace-problem.ts'
import type { Capacity } from './capacity.ts'
import {
  accuracyAgainstGpus,
  accuracyAgainstStreams,
  allocationAreas,
  capacityBars,
  sensitivityAxes,
  sensitivityCurve,
} from './charts.ts'
import { type ComparedCell, type Comparison, hindsightNote, type Sensitivity, seenIn } from './compare.ts'
import type { HeldOverTime } from './held-over-time.ts'
import type { Table } from './html.ts'
import type { Varied } from './sensitivity.ts'
import { counted, onSite } from './words.ts'

export interface Figure {
  /** Unlike that of every other figure. */
  readonly id: string
  readonly title: string
  /** What is drawn, and how it is to be read. */
  readonly text: string
  readonly spec: TopLevelSpec
  readonly tables: readonly Table[]
}

export function figuresOf(comparison: Comparison): Figure[] {
  const { settings, cells, capacity, sensitivity } = comparison
  const { policies } = settings
  return [
    ...seenIn(cells).flatMap(sees => {
      const seen = cells.filter(cell => cell.sees === sees)
      return [againstStreams(sees, seen, policies), againstGpus(sees, seen, policies)]
    }),
    ...seenIn(cells).map(sees =>
      kept(
        sees,
        capacity.filter(row => row.sees === sees),
        policies,
      ),
    ),
    ...allocation(comparison),
    ...(sensitivity === null
      ? []
      : (['step', 'window', 'noise'] as const).map(varied =>
          sensitive(varied, sensitivity, policies, hindsightNote(settings)),
        )),
  ]
}

/** In per cent; a dash where the policy failed. */
export const percent = (accuracy: number | null | undefined): string =>
  accuracy === null || accuracy === undefined ? '–' : (accuracy * 100).toFixed(2)

const seen = (sees: Sees): string => (sees === 'actual' ? 'what comes true' : 'estimates')

const averaged = 'Mean accuracy over streams and windows.'

function againstStreams(sees: Sees, cells: readonly ComparedCell[], policies: readonly string[]): Figure {
  return {
    id: `streams-${sees}`,
    title: `Accuracy against streams, policies see ${seen(sees)}`,
    text: `${averaged} The first so many streams of the trace; one panel for each number of GPUs, each with its own scale.`,
    spec: accuracyAgainstStreams(cells, policies),
    tables: [cellTable(cells, policies, `Mean accuracy, %, policies see ${seen(sees)}`)],
  }
}

function againstGpus(sees: Sees, cells: readonly ComparedCell[], policies: readonly string[]): Figure {
  const byStreams = cells.toSorted((a, b) => a.streams - b.streams || a.gpus - b.gpus)
  return {
    id: `gpus-${sees}`,
    title: `Accuracy against GPUs, policies see ${seen(sees)}`,
    text: `${averaged} One panel for each number of streams, each with its own scale; GPUs on a logarithmic axis.`,
    spec: accuracyAgainstGpus(byStreams, policies),
    tables: [cellTable(byStreams, policies, `Mean accuracy, %, policies see ${seen(sees)}`)],
  }
}

function cellTable(cells: readonly ComparedCell[], policies: readonly string[], caption: string): Table {
  const groups = Map.groupBy(
    cells,
    ({ gpus, streams }) => `${counted(streams, 'stream')}, ${counted(gpus, 'GPU')}`,
  )
  return {
    caption,
    head: ['cell', ...policies],
    rows: [...groups].map(([name, group]) => [
      name,
      ...policies.map(policy => percent(group.find(cell => cell.policy === policy)?.meanAccuracy)),
    ]),
  }
}

function kept(sees: Sees, capacity: readonly Capacity[], policies: readonly string[]): Figure {
  const groups = Map.groupBy(
    capacity,
    ({ target, gpus }) => `${Number((target * 100).toFixed(4))} %, ${counted(gpus, 'GPU')}`,
  )
  const text = (row: Capacity | undefined): string =>
    row === undefined || row.streams === null ? '–' : `${row.atLeast ? '≥ ' : ''}${row.streams}`
  return {
    id: `capacity-${sees}`,
    title: `Capacity, policies see ${seen(sees)}`,
    text: 'The most streams of the grid whose mean accuracy is at least the target; one panel for each target. No bar: not even the fewest. ≥ in the table: the grid ends there.',
    spec: capacityBars(capacity, policies),
    tables: [
      {
        caption: `Streams kept at a target, policies see ${seen(sees)}`,
        head: ['target, GPUs', ...policies],
        rows: [...groups].map(([name, group]) => [
          name,
          ...policies.map(policy => text(group.find(row => row.policy === policy))),
        ]),
      },
    ],
  }
}

/** None where all policies failed. */
function allocation({ allocation, settings }: Comparison): Figure[] {
  const { sees, policies } = allocation
  const held = policies.flatMap(({ policy, allocation }) =>
    allocation === null ? [] : [{ policy, allocation }],
  )
  if (held.length === 0) return []
  return [
    {
      id: 'allocation',
      title: `Allocation over time, ${onSite(allocation)}, policies see ${seen(sees)}`,
      text: 'What all jobs hold, stacked: inference of all streams below (pale), their training above (full colour). Dashed lines: a window ends and the next begins.',
      spec: allocationAreas(held, settings.windowSeconds),
      tables: held.map(({ policy, allocation }) => allocationTable(policy, allocation)),
    },
  ]
}

const allocationTable = (policy: string, { streams, changes }: HeldOverTime): Table => ({
  caption: `${policy}: inference + training share in GPUs, from that second on`,
  head: ['from, s', ...streams],
  rows: changes.map(({ at, inference, training }) => [
    at.toFixed(1),
    ...streams.map((_, i) => `${share(inference[i]!)} + ${share(training[i]!)}`),
  ]),
})

const share = (value: number): string => (value === 0 ? '0' : value.toFixed(3))

const sensitivityTexts: Readonly<Record<Varied, { readonly title: string; readonly text: string }>> = {
  step: { title: 'Sensitivity to Δ', text: 'Δ is the smallest change of a share.' },
  window: {
    title: "Sensitivity to the window's length",
    text: 'Each window of the trace lasts so long; what its retrainings gain and cost stays. So long windows cost nothing here, while a real scene would drift on.',
  },
  noise: {
    title: 'Sensitivity to wrong estimates',
    text: 'Policies are told the true accuracy after each retraining plus Gaussian noise of standard deviation ε, kept within 0 and 100 %, and its true cost.',
  },
}

function sensitive(
  varied: Varied,
  sensitivity: Sensitivity,
  policies: readonly string[],
  note: string | undefined,
): Figure {
  const { sees, draws } = sensitivity
  const points = sensitivity[varied]
  const { title, text } = sensitivityTexts[varied]
  const { title: axis, shown } = sensitivityAxes[varied]
  const groups = Map.groupBy(points, ({ value }) => value)
  const told =
    varied === 'noise'
      ? `Means over ${draws} draws; upright lines reach from the lowest to the highest.`
      : `Policies see ${seen(sees)}.`
  const leavesOut = note !== undefined && (varied === 'noise' || sees === 'estimate')
  return {
    id: `sensitivity-${varied}`,
    title: `${title}, ${onSite(sensitivity)}`,
    text: `${text} ${told}${leavesOut ? ` –: ${note}.` : ''}`,
    spec: sensitivityCurve(varied, points, policies),
    tables: [
      {
        caption: `Mean accuracy, %, by ${axis}`,
        head: [axis, ...policies],
        rows: [...groups].map(([value, group]) => [
          String(Number(shown(value).toFixed(6))),
          ...policies.map(policy => percent(group.find(point => point.policy === policy)?.meanAccuracy)),
        ]),
      },
    ],
  }
}
