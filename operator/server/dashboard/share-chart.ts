/**
 * Shares of one GPU over time as SVG: what was held up to now, and what the plan foresees from here on.
 *
 * Inference is plain, training hatched, profiling dotted; what is planned is pale with a dashed outline. So nothing is told by colour alone.
 */
import type { RetrainingWindow } from '../../api/generated/types.ts'
import type { WorkerRole } from '../../api/worker.ts'
import type { HeldShare } from '../../cluster/share-log.ts'
import { type Html, html } from '../../text/html.ts'
import { percent } from './format.ts'

export interface Block {
  readonly stream: string
  readonly role: WorkerRole
  /** In (0, 1]. */
  readonly share: number
  /** Milliseconds since the epoch. */
  readonly from: number
  readonly to: number
  readonly planned: boolean
}

export interface Span {
  readonly from: number
  readonly now: number
  readonly to: number
}

/** What was held, cut to what is shown. */
export const heldBlocks = (held: readonly HeldShare[], { from, now }: Span): readonly Block[] =>
  held
    .map(({ stream, role, share, ...when }) => ({
      stream,
      role,
      share,
      from: Math.max(from, when.from),
      to: Math.min(now, when.to ?? now),
      planned: false,
    }))
    .filter(block => block.to > block.from)

/**
 * What the plan in force foresees on a GPU. A training that waits for its turn has no share yet: it is drawn with what the others leave,
 * which is what it can get.
 */
export function plannedBlocks(
  window: RetrainingWindow,
  on: { readonly node: string; readonly gpu: string },
  { now, to }: Span,
): readonly Block[] {
  const items = (window.status?.plan?.items ?? []).filter(
    ({ node, gpu }) => node === on.node && gpu === on.gpu,
  )
  const inference = items
    .filter(({ inferenceShare }) => inferenceShare > 0)
    .map(({ stream, inferenceShare }) => block(stream, 'inference', inferenceShare, now, to))
  const trainings = items.flatMap(
    ({ stream, state, trainingShare, retrainingConfiguration, startsAt, completesAt }) => {
      if (retrainingConfiguration === undefined || (state !== 'Planned' && state !== 'Training')) return []
      const begins = startsAt === undefined ? now : Math.max(now, Date.parse(startsAt))
      const ends = completesAt === undefined ? to : Math.min(to, Date.parse(completesAt))
      return [block(stream, 'training', trainingShare, begins, Math.max(ends, begins))]
    },
  )
  const begun = [...inference, ...trainings.filter(({ share }) => share > 0)]
  const waiting = trainings.filter(({ share }) => share <= 0)
  const free = ({ from }: Block): number =>
    1 -
    begun.filter(other => other.from <= from && from < other.to).reduce((sum, { share }) => sum + share, 0)
  const beside = ({ from }: Block): number =>
    waiting.filter(other => other.from <= from && from < other.to).length
  return [
    ...begun,
    ...waiting.map(wait => ({ ...wait, share: Math.max(0, free(wait)) / Math.max(1, beside(wait)) })),
  ].filter(({ from: begins, to: ends, share }) => ends > begins && share > 0.001)
}

const block = (stream: string, role: WorkerRole, share: number, from: number, to: number): Block => ({
  stream,
  role,
  share,
  from,
  to,
  planned: true,
})

const size = { width: 960, height: 170, left: 36, right: 8, top: 18, bottom: 22 }
const inner = { width: size.width - size.left - size.right, height: size.height - size.top - size.bottom }

interface Drawn extends Block {
  /** Sum of the shares below it. */
  readonly below: number
}

export function shareChart(id: string, title: string, blocks: readonly Block[], span: Span): Html {
  const x = (ms: number): number => size.left + ((ms - span.from) / (span.to - span.from)) * inner.width
  const y = (share: number): number => size.top + (1 - share) * inner.height
  const pieces = stacked(blocks)
  const labelled = new Set(widest(pieces))
  const nowX = round(x(span.now))
  return html`<svg class="chart shares" viewBox="0 0 ${size.width} ${size.height}" role="img" aria-labelledby="${id}-title ${id}-desc"><title id="${id}-title">${title}</title><desc id="${id}-desc">${described(blocks, span)}</desc>
${[0, 0.5, 1].map(share => html`<line class="grid" x1="${size.left}" x2="${size.width - size.right}" y1="${round(y(share))}" y2="${round(y(share))}"/><text class="axis" x="${size.left - 6}" y="${round(y(share) + 4)}" text-anchor="end">${percent(share, 0)}</text>`)}
${times(span).map(ms => html`<text class="axis" x="${round(x(ms))}" y="${size.height - 6}" text-anchor="middle">${new Date(ms).toISOString().slice(11, 19)}</text>`)}
${pieces.map(piece => {
  const left = round(x(piece.from))
  const top = round(y(piece.below + piece.share))
  const width = round(Math.max(0.5, x(piece.to) - x(piece.from)))
  const height = round(Math.max(0.5, piece.share * inner.height))
  const name = `${piece.stream}${piece.role === 'inference' ? '' : ` ${piece.role}`}`
  const fits = labelled.has(piece) && height >= 11 && width >= name.length * 6.2 + 6
  return html`<rect class="share ${piece.role}${piece.planned ? ' planned' : ''}" x="${left}" y="${top}" width="${width}" height="${height}"><title>${piece.stream}, ${piece.role}: ${percent(piece.share)} %${piece.planned ? ', planned' : ''}</title></rect>${piece.role === 'inference' ? '' : html`<rect class="texture" fill="url(#${piece.role === 'training' ? 'hatch' : 'dots'})" x="${left}" y="${top}" width="${width}" height="${height}"/>`}${fits ? html`<text class="inside" x="${round(left + 4)}" y="${round(top + height / 2 + 3.5)}">${name}</text>` : ''}`
})}
<line class="now" x1="${nowX}" x2="${nowX}" y1="${size.top - 4}" y2="${size.height - size.bottom}"/><text class="label" x="${nowX}" y="${size.top - 6}" text-anchor="middle">now</text>
</svg>`
}

/** Textures that all charts of a page share. */
export const textures = html`<svg class="hidden" width="0" height="0" aria-hidden="true" focusable="false"><defs>
<pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><line class="texture-line" x1="0" y1="0" x2="0" y2="6"/></pattern>
<pattern id="dots" width="6" height="6" patternUnits="userSpaceOnUse"><circle class="texture-dot" cx="3" cy="3" r="1.1"/></pattern>
</defs></svg>`

/** At every moment one above the other, in the order of streams, a stream's training above its inference. */
function stacked(blocks: readonly Block[]): readonly Drawn[] {
  const order = { inference: 0, profile: 1, training: 2 }
  const sorted = blocks.toSorted((a, b) =>
    a.stream === b.stream ? order[a.role] - order[b.role] : a.stream < b.stream ? -1 : 1,
  )
  const moments = [...new Set(blocks.flatMap(({ from, to }) => [from, to]))].sort((a, b) => a - b)
  const pieces: Drawn[] = []
  const open = new Map<Block, Drawn>()
  for (const [i, from] of moments.slice(0, -1).entries()) {
    const to = moments[i + 1]!
    let below = 0
    for (const each of sorted) {
      if (each.from > from || each.to <= from) continue
      const last = open.get(each)
      // What stays where it was is one piece.
      const grows = last !== undefined && last.to === from && Math.abs(last.below - below) < 1e-9
      const piece = { ...each, from: grows ? last.from : from, to, below }
      if (grows) pieces[pieces.indexOf(last)] = piece
      else pieces.push(piece)
      open.set(each, piece)
      below += each.share
    }
  }
  return pieces
}

/** One piece of each stream, role and part of the chart to carry the name. */
function widest(pieces: readonly Drawn[]): readonly Drawn[] {
  const best = new Map<string, Drawn>()
  for (const piece of pieces) {
    const key = `${piece.stream} ${piece.role} ${piece.planned}`
    const before = best.get(key)
    if (before === undefined || piece.to - piece.from > before.to - before.from) best.set(key, piece)
  }
  return [...best.values()]
}

/** Round moments, some six of them. */
function times({ from, to }: Span): readonly number[] {
  const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200].map(
    s => s * 1000,
  )
  const step = steps.find(each => (to - from) / each <= 8) ?? 86_400_000
  const first = Math.ceil(from / step) * step
  return Array.from({ length: Math.floor((to - first) / step) + 1 }, (_, i) => first + i * step)
}

function described(blocks: readonly Block[], { now }: Span): string {
  const at = (planned: boolean) =>
    blocks
      .filter(each => each.planned === planned && each.from <= now && now <= each.to)
      .map(({ stream, role, share }) => `${stream} ${role} ${percent(share)} %`)
  const present = at(false).length > 0 ? at(false) : at(true)
  return `At present: ${present.join(', ') || 'nothing is held'}. All shares stand in a table below.`
}

const round = (value: number): number => Math.round(value * 10) / 10
