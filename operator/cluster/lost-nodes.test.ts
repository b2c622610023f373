import { expect } from 'chai'
import type { KubeObject } from '../kube/objects.ts'
import { ManualClock } from '../kube/testing/manual-clock.ts'
import type { RawNode, SiteGpu } from '../sharing/backend.ts'
import { NodeHealth, notReadyMs, withoutLost } from './lost-nodes.ts'

type Ready = 'True' | 'False' | 'Unknown'
type Node = KubeObject & RawNode

const node = (ready?: Ready): Node =>
  ({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'edge-1' },
    status: {
      conditions: [
        { type: 'MemoryPressure', status: 'Unknown' },
        ...(ready === undefined
          ? []
          : [{ type: 'Ready', status: ready, reason: 'Why', message: 'as it says.' }]),
      ],
    },
  }) as Node

describe('a node', () => {
  const unheard = 'its kubelet is not heard of (Why: as it says.)'
  const unready = 'it is not ready (Why: as it says.)'
  const sequences: readonly {
    readonly name: string
    readonly said: readonly (readonly [Ready | undefined, number])[]
    readonly want: string | undefined
  }[] = [
    { name: 'that is ready is not lost', said: [['True', notReadyMs * 2]], want: undefined },
    { name: 'that says nothing of it is not lost', said: [[undefined, notReadyMs * 2]], want: undefined },
    { name: 'that is not heard of is lost at once', said: [['Unknown', 0]], want: unheard },
    { name: 'that is not ready is given time', said: [['False', notReadyMs - 1]], want: undefined },
    { name: 'that stays not ready is lost', said: [['False', notReadyMs]], want: unready },
    {
      name: 'that says more than once that it is not ready gets no more time',
      said: [
        ['False', notReadyMs / 2],
        ['False', notReadyMs / 2],
      ],
      want: unready,
    },
    {
      name: 'that was ready in between starts anew',
      said: [
        ['False', notReadyMs - 1],
        ['True', 0],
        ['False', notReadyMs - 1],
      ],
      want: undefined,
    },
  ]
  for (const { name, said, want } of sequences)
    it(name, async () => {
      const clock = new ManualClock()
      const health = new NodeHealth(clock)
      for (const [ready, forMs] of said) {
        health.observe({ type: 'added', key: 'edge-1', new: node(ready) })
        await clock.advance(forMs)
      }
      expect(health.problem(node(said.at(-1)![0]))).to.equal(want)
    })

  it('that was deleted is forgotten', async () => {
    const clock = new ManualClock()
    const health = new NodeHealth(clock)
    health.observe({ type: 'added', key: 'edge-1', new: node('False') })
    health.observe({ type: 'deleted', key: 'edge-1', old: node('False') })
    await clock.advance(notReadyMs)
    health.observe({ type: 'added', key: 'edge-1', new: node('False') })
    expect(health.problem(node('False'))).to.equal(undefined)
  })
})

describe('GPUs of a site', () => {
  const gpu = (of: string): SiteGpu => ({ node: of, gpu: '0', device: { kind: 'cpu', cores: 1 } })
  const good = { node: 'edge-0', gpus: [gpu('edge-0')] }
  const bad = { node: 'edge-1', gpus: [gpu('edge-1')], problem: 'why' }
  const plain = { node: 'plain', gpus: [] }
  const cordoned = { node: 'cordoned', gpus: [], problem: 'why' }
  const lostToo = { node: 'cordoned', problem: 'why', leftOut: true, offersNothing: true }
  const lost = (leftOut: boolean) => ({ node: 'edge-1', problem: 'why', leftOut })
  for (const { name, nodes, gpus, want } of [
    { name: 'are those of all nodes', nodes: [good, plain], gpus: ['edge-0'], want: [] },
    { name: 'go without a lost node', nodes: [good, bad], gpus: ['edge-0'], want: [lost(true)] },
    { name: 'stay where there are no others', nodes: [bad, plain], gpus: ['edge-1'], want: [lost(false)] },
    {
      name: 'stay where a lost node has none, on which pods may be from before it was cordoned',
      nodes: [good, cordoned],
      gpus: ['edge-0'],
      want: [lostToo],
    },
    {
      name: 'stay where there are no others, and a lost node without any is told apart',
      nodes: [bad, cordoned],
      gpus: ['edge-1'],
      want: [lost(false), lostToo],
    },
  ])
    it(name, () => {
      const found = withoutLost(nodes)
      expect(found.gpus.map(each => each.node)).to.deep.equal(gpus)
      expect(found.lost).to.deep.equal(want)
    })
})
