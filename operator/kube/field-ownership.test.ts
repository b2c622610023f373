import { expect } from 'chai'
import { applyTo, wouldChange } from './apply.ts'
import { equalJson } from './field-ownership.ts'
import type { KubeObject } from './objects.ts'
import { configMaps } from './resources.ts'

const manager = 'ekya.dev/test'
const ready = { type: 'Ready', status: 'True', reason: 'Serving' }

/** As the server stores it after `manager` applied labels, a keyed list, a set and an atomic list. */
const object = {
  metadata: {
    namespace: 'n',
    name: 'a',
    uid: 'u',
    resourceVersion: '7',
    labels: { mine: '1', theirs: '2' },
    managedFields: [
      {
        manager,
        operation: 'Apply',
        fieldsV1: {
          'f:metadata': { 'f:labels': { 'f:mine': {} } },
          'f:status': {
            'f:conditions': {
              'k:{"type":"Ready"}': { '.': {}, 'f:type': {}, 'f:status': {}, 'f:reason': {} },
            },
            'f:names': { 'v:"x"': {} },
            'f:plan': {},
            'f:share': {},
          },
        },
      },
      { manager, operation: 'Apply', subresource: 'status', fieldsV1: { 'f:status': { 'f:phase': {} } } },
      {
        manager: 'other',
        operation: 'Update',
        fieldsV1: { 'f:metadata': { 'f:labels': { 'f:theirs': {} } } },
      },
    ],
  },
  status: {
    conditions: [{ type: 'Other', status: 'False' }, ready],
    names: ['w', 'x'],
    plan: [{ stream: 'a', share: 0.5 }],
    share: 0.5,
    phase: 'Pending',
  },
}
const same = {
  metadata: { namespace: 'n', name: 'a', uid: 'u', labels: { mine: '1' } },
  status: { conditions: [ready], names: ['x'], plan: [{ stream: 'a', share: 0.5 }], share: 0.5 },
}

describe('wouldChange', () => {
  for (const { name, body, want } of [
    { name: 'the same fields with the same values', body: same, want: false },
    { name: 'members that are undefined', body: { ...same, spec: undefined }, want: false },
    { name: 'another value', body: { ...same, status: { ...same.status, share: 0.6 } }, want: true },
    {
      name: 'another label',
      body: { ...same, metadata: { ...same.metadata, labels: { mine: '3' } } },
      want: true,
    },
    { name: 'no labels any more', body: { ...same, metadata: { namespace: 'n', name: 'a' } }, want: true },
    { name: 'a field that was not owned', body: { ...same, spec: { x: 1 } }, want: true },
    {
      name: 'a field that is no longer stated',
      body: { ...same, status: { ...same.status, share: undefined } },
      want: true,
    },
    {
      name: 'another item of a keyed list',
      body: { ...same, status: { ...same.status, conditions: [ready, { type: 'Serving', status: 'True' }] } },
      want: true,
    },
    {
      name: 'another value in an item of a keyed list',
      body: { ...same, status: { ...same.status, conditions: [{ ...ready, reason: 'Waiting' }] } },
      want: true,
    },
    {
      name: 'a field less in an item of a keyed list',
      body: { ...same, status: { ...same.status, conditions: [{ type: 'Ready', status: 'True' }] } },
      want: true,
    },
    {
      name: 'another member of a set',
      body: { ...same, status: { ...same.status, names: ['w'] } },
      want: true,
    },
    {
      name: 'another item of an atomic list',
      body: { ...same, status: { ...same.status, plan: [{ stream: 'a', share: 0.4 }] } },
      want: true,
    },
  ]) {
    it(`is ${want} for ${name}`, () =>
      expect(wouldChange(object, { resource: configMaps, body, fieldManager: manager })).to.equal(want))
  }

  it('keeps the ownership of a subresource apart', () => {
    const body = { metadata: { namespace: 'n', name: 'a' }, status: { phase: 'Pending' } }
    expect(
      wouldChange(object, { resource: configMaps, body, fieldManager: manager, subresource: 'status' }),
    ).to.equal(false)
    expect(wouldChange(object, { resource: configMaps, body, fieldManager: manager })).to.equal(true)
  })

  it('is true where nothing is known of the manager', () => {
    expect(wouldChange(object, { resource: configMaps, body: same, fieldManager: 'new' })).to.equal(true)
    const stripped = { ...object, metadata: { ...object.metadata, managedFields: undefined } }
    expect(wouldChange(stripped, { resource: configMaps, body: same, fieldManager: manager })).to.equal(true)
  })
})

describe('applyTo', () => {
  const sent: KubeObject[] = []
  const transport = {
    apply: async <T>(_: unknown, body: KubeObject) => {
      sent.push(body)
      return body as T
    },
  }
  beforeEach(() => {
    sent.length = 0
  })

  it('sends nothing where nothing would change', async () => {
    const body = { metadata: { labels: { mine: '1' } }, status: same.status }
    const answer = await applyTo(transport as never, object, {
      resource: configMaps,
      body,
      fieldManager: manager,
    })
    expect(answer).to.equal(undefined)
    expect(sent).to.have.length(0)
  })

  it('names the object it was decided for, by uid', async () => {
    await applyTo(transport as never, object, {
      resource: configMaps,
      body: { data: { x: '1' } },
      fieldManager: manager,
    })
    expect(sent[0]?.metadata).to.deep.equal({ namespace: 'n', name: 'a', uid: 'u' })
  })
})

describe('equalJson', () => {
  for (const { a, b, want } of [
    { a: { x: 1, y: undefined }, b: { x: 1 }, want: true },
    { a: [1, 2], b: [2, 1], want: false },
    { a: [], b: {}, want: false },
    { a: null, b: {}, want: false },
    { a: { x: { y: [null] } }, b: { x: { y: [null] } }, want: true },
    { a: { x: 1 }, b: { y: 1 }, want: false },
  ]) {
    it(`${JSON.stringify(a)} and ${JSON.stringify(b)}: ${want}`, () => expect(equalJson(a, b)).to.equal(want))
  }
})
