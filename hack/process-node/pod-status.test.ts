import { expect } from 'chai'
import { type NodePodStatus, statusPatch } from './pod-status.ts'

const since = '2026-01-01T00:00:00Z'
const status = (more: Partial<NodePodStatus> = {}): NodePodStatus => ({
  phase: 'Running',
  hostIP: '127.42.1.1',
  hostIPs: [{ ip: '127.42.1.1' }],
  conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: since }],
  containerStatuses: [],
  ...more,
})

describe('statusPatch', () => {
  it('is nothing where nothing differs', () => expect(statusPatch(status(), status())).to.equal(undefined))

  it('holds only what differs', () => {
    expect(statusPatch(status(), status({ phase: 'Failed', reason: 'x' }))).to.deep.equal({
      phase: 'Failed',
      reason: 'x',
    })
  })

  it('leaves the conditions of others alone and deletes own ones that are no more', () => {
    const scheduled = { type: 'PodScheduled', status: 'True' as const }
    const resizing = { type: 'PodResizePending', status: 'True' as const }
    const previous = status({ conditions: [...status().conditions!, scheduled, resizing] })
    expect(statusPatch(previous, status())).to.deep.equal({
      conditions: [{ $patch: 'delete', type: 'PodResizePending' }],
    })
  })
})
