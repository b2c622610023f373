import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import {
  findCondition,
  messageLimit,
  reasons,
  setCondition,
  setConditions,
  truncateMessage,
} from './conditions.ts'
import type { WorkerErrorCode } from './worker.ts'

const first = new Date('2026-01-01T00:00:00.123Z')
const later = new Date('2026-01-01T00:01:00Z')
const ready = {
  type: 'Ready',
  status: true,
  reason: 'Serving',
  message: 'serves',
  observedGeneration: 3,
} as const

describe('setCondition', () => {
  it('adds a condition with whole seconds', () => {
    expect(setCondition(undefined, ready, first)).to.deep.equal([
      {
        type: 'Ready',
        status: 'True',
        reason: 'Serving',
        message: 'serves',
        lastTransitionTime: '2026-01-01T00:00:00Z',
        observedGeneration: 3,
      },
    ])
  })

  it('returns the same list when nothing changed', () => {
    const list = setCondition(undefined, ready, first)
    expect(setCondition(list, ready, later)).to.equal(list)
  })

  it('moves the transition time with the status only', () => {
    const list = setCondition(undefined, ready, first)
    const reworded = setCondition(list, { ...ready, message: 'serves on', observedGeneration: 4 }, later)
    expect(reworded[0]).to.include({
      message: 'serves on',
      observedGeneration: 4,
      lastTransitionTime: '2026-01-01T00:00:00Z',
    })
    const lost = setCondition(list, { ...ready, status: false, reason: 'PodFailed' }, later)
    expect(lost[0]).to.include({ status: 'False', lastTransitionTime: '2026-01-01T00:01:00Z' })
  })

  it('keeps the other conditions, in the order of their types', () => {
    const list = setConditions(
      undefined,
      [
        { type: 'Suspended', status: false, reason: 'Active', message: '' },
        { type: 'Drifting', status: false, reason: 'Stable', message: '' },
        ready,
      ],
      first,
    )
    expect(list.map(({ type }) => type)).to.deep.equal(['Drifting', 'Ready', 'Suspended'])
    expect(findCondition(list, 'Drifting')?.status).to.equal('False')
  })

  it('cuts long messages', () => {
    const [condition] = setCondition(undefined, { ...ready, message: 'x'.repeat(5000) }, first)
    expect(condition!.message).to.have.length(messageLimit)
    expect(condition!.message.endsWith('…')).to.equal(true)
  })
})

describe('truncateMessage', () => {
  it('never cuts a character in two', () => {
    expect(truncateMessage('ab😀cd', 4)).to.equal('ab…')
    expect(truncateMessage('abcd', 4)).to.equal('abcd')
  })
})

describe('reasons', () => {
  it('are words for programs', () => {
    for (const [reason, meaning] of Object.entries(reasons)) {
      expect(reason).to.match(/^[A-Z][A-Za-z]+$/)
      expect(meaning).to.match(/\.$/)
    }
  })

  const codes: Record<Exclude<WorkerErrorCode, 'BadRequest'>, true> = {
    ConfigInvalid: true,
    ModelNotFound: true,
    ModelInvalid: true,
    ModelDigestMismatch: true,
    ModelClassesMismatch: true,
    SourceNotFound: true,
    SourceInvalid: true,
    LabelsInvalid: true,
    TooFewSamples: true,
    OperatorUnsupported: true,
    LossDiverged: true,
    StorageFailed: true,
    Cancelled: true,
    Interrupted: true,
    TooLate: true,
    ShareMismatch: true,
    Internal: true,
  }

  it('hold every error code of the workers that is about the object', () =>
    expect(reasons).to.include.all.keys(Object.keys(codes)))

  it('hold nothing else but what a controller gives', () => {
    const folder = fileURLToPath(new URL('../controllers/', import.meta.url))
    const given = globSync('**/*.ts', { cwd: folder })
      .filter(file => !/\.test\.ts$|^testing\//.test(file))
      .map(file => readFileSync(join(folder, file), 'utf8'))
      .join('')
    const unused = Object.keys(reasons).filter(reason => !(reason in codes) && !given.includes(`'${reason}'`))
    expect(unused).to.deep.equal([])
  })
})
