/**
 * Shows the site while it runs: a table that is redrawn in place on a terminal, lines about what changed otherwise.
 *
 * What is drawn is pure (`liveLines`, `changes`); only `createDisplay` touches the stream.
 */
import { styleText } from 'node:util'
import type { CameraView, SiteView } from './site-view.ts'
import { percent, points, share, table } from './table.ts'

/** Windows that stay in sight below the table. */
const shownHistory = 6

const marks: Readonly<Record<string, string>> = {
  Planned: 'waits',
  Training: 'trains',
  Accepted: 'took it',
  Rejected: 'no better',
  Failed: 'failed',
  Unfinished: 'unfinished',
  None: '',
}

/** @param now milliseconds since the epoch */
export function liveLines(view: SiteView, footer: readonly string[], now: number): readonly string[] {
  const lines = [headline(view, now), '']
  lines.push(
    ...table(
      [
        { title: 'CAMERA' },
        { title: 'FIRST MODEL', align: 'right' },
        { title: 'SERVED', align: 'right' },
        { title: 'PREDICTED', align: 'right' },
        { title: 'INFERENCE', align: 'right' },
        { title: 'TRAINING', align: 'right' },
        { title: 'STATE' },
        { title: 'DECISION' },
      ],
      view.cameras.map(camera => [
        camera.name,
        percent(camera.firstModel),
        percent(camera.measured),
        percent(camera.predicted),
        share(camera.inferenceShare),
        camera.trainingShare > 0 ? share(camera.trainingShare) : '–',
        state(camera),
        camera.problem ?? camera.decision ?? '',
      ]),
    ),
  )
  lines.push(...view.warnings.map(warning => `warning: ${warning}`))
  const past = view.history.filter(record => record.realised !== undefined).slice(0, shownHistory)
  if (past.length > 0) {
    lines.push('', ...past.map(record => historyLine(record)))
  }
  return [...lines, '', ...footer]
}

function headline(view: SiteView, now: number): string {
  if (view.index === null) return `waiting for the first window (${view.phase})`
  const left = view.endsAt === null ? null : Math.max(0, Math.ceil((view.endsAt - now) / 1000))
  const parts = [
    `window ${view.index} · ${view.phase}`,
    ...(left === null ? [] : [`${left} s left`]),
    `policy ${view.policy}`,
    ...(view.predicted === null ? [] : [`predicted ${percent(view.predicted)}`]),
  ]
  return parts.join(' · ')
}

function state(camera: CameraView): string {
  if (camera.problem) return 'not ready'
  if (!camera.state) return ''
  const done =
    camera.state === 'Training' && camera.progress !== null ? ` ${Math.round(camera.progress * 100)} %` : ''
  return `${marks[camera.state] ?? camera.state}${done}`
}

export function historyLine(record: SiteView['history'][number]): string {
  const gain =
    record.realised === undefined || record.withoutRetraining === undefined
      ? null
      : record.realised - record.withoutRetraining
  return `window ${record.index}: served ${percent(record.realised)}, first models ${percent(record.withoutRetraining)} (${points(gain)} points), predicted ${percent(record.predicted)}, ${record.retrained ?? 0} retrained`
}

/** What a reader of a log wants to know: one line for each thing that happened between two views. */
export function changes(before: SiteView | undefined, after: SiteView): readonly string[] {
  const lines: string[] = []
  if (before?.index !== after.index || before?.phase !== after.phase) {
    lines.push(after.index === null ? `waiting: ${after.phase}` : `window ${after.index}: ${after.phase}`)
  }
  if (after.predicted !== null && before?.predicted !== after.predicted) {
    lines.push(`  plan by ${after.policy}: predicted ${percent(after.predicted)}`)
  }
  const known = new Map(before?.cameras.map(camera => [camera.name, camera]))
  for (const camera of after.cameras) {
    const old = known.get(camera.name)
    if (camera.problem !== null && camera.problem !== old?.problem) {
      lines.push(`  ${camera.name} is not ready: ${camera.problem}`)
    }
    if (camera.ready && !old?.ready) lines.push(`  ${camera.name} serves`)
    if (camera.state !== null && (camera.state !== old?.state || before?.index !== after.index)) {
      lines.push(`  ${camera.name}: ${cameraChange(camera)}`)
    }
  }
  const measured = new Set(
    before?.history.filter(record => record.realised !== undefined).map(record => record.index),
  )
  for (const record of [...after.history].reverse()) {
    if (record.realised !== undefined && !measured.has(record.index)) lines.push(`  ${historyLine(record)}`)
  }
  return lines
}

function cameraChange(camera: CameraView): string {
  const { state: now, configuration, accuracyBefore, accuracyAfter } = camera
  const numbers =
    accuracyAfter === null
      ? ''
      : `: ${percent(accuracyBefore)} → ${percent(accuracyAfter)} on validation frames`
  switch (now) {
    case 'Training':
      return `trains ${configuration} at ${share(camera.trainingShare)} of the GPU`
    case 'Accepted':
      return `takes the new model${numbers}`
    case 'Rejected':
      return `keeps its model${numbers}`
    case 'Failed':
    case 'Unfinished':
      return `${now.toLowerCase()}: ${configuration}. ${camera.decision ?? ''}`
    default:
      return camera.decision ?? now ?? ''
  }
}

export interface Display {
  /** A line that stays. */
  note(line: string): void
  update(view: SiteView, now: number): void
  /** Leaves the last table on the screen. */
  end(): void
}

interface Output {
  readonly isTTY?: boolean
  readonly columns?: number
  readonly rows?: number
  write(text: string): unknown
}

/** @param elapsed seconds since the start, for lines in a log */
export function createDisplay(output: Output, footer: readonly string[], elapsed: () => number): Display {
  return output.isTTY ? terminalDisplay(output, footer) : logDisplay(output, footer, elapsed)
}

function terminalDisplay(output: Output, footer: readonly string[]): Display {
  let drawn = 0
  const clear = () => {
    if (drawn > 0) output.write(`\x1b[${drawn}A\x1b[0J`)
    drawn = 0
  }
  return {
    note(line) {
      clear()
      output.write(`${line}\n`)
    },
    update(view, now) {
      const width = Math.max(20, (output.columns ?? 80) - 1)
      const height = Math.max(5, (output.rows ?? 24) - 1)
      const lines = liveLines(view, footer, now)
        .slice(0, height)
        .map(line => (line.length > width ? `${line.slice(0, width - 1)}…` : line))
      clear()
      output.write(lines.map((line, index) => `${index === 0 ? styleText('bold', line) : line}\n`).join(''))
      drawn = lines.length
    },
    end() {
      drawn = 0
    },
  }
}

function logDisplay(output: Output, footer: readonly string[], elapsed: () => number): Display {
  let last: SiteView | undefined
  for (const line of footer) output.write(`${line}\n`)
  return {
    note: line => {
      output.write(`${line}\n`)
    },
    update(view) {
      for (const line of changes(last, view)) output.write(`${elapsed().toFixed(0).padStart(5)} s  ${line}\n`)
      last = view
    },
    end() {},
  }
}
