import { expect } from 'chai'
import { backendLabel, type RawNode } from '../sharing/backend.ts'
import { backendSet, createBackends } from '../sharing/backends/registry.ts'
import { defaultGpuOptions } from '../sharing/gpu-options.ts'
import { gkeNode, hamiNode, inventory, kaiNode, mpsNode, slicesNode } from '../sharing/testing/gpu-nodes.ts'
import { concernsSites } from './node-changes.ts'

describe('a change of a node', () => {
  const backends = backendSet(createBackends({ ...defaultGpuOptions, kaiQueue: 'edge' }))
  const cpuNode = (cpu: string): RawNode => ({
    metadata: { name: 'edge-0', labels: { [backendLabel]: 'cpu' } },
    status: { allocatable: { cpu, memory: '4Gi' } },
  })
  const concerns = (before: RawNode, after: RawNode) => concernsSites(before, after, backends)
  const withReady = (node: RawNode, status: string, message: string): RawNode => ({
    ...node,
    status: { ...node.status, conditions: [{ type: 'Ready', status, message }] },
  })

  for (const { name, before, after } of [
    { name: 'cores of cpu', before: cpuNode('4'), after: cpuNode('3') },
    { name: 'an inventory of mps', before: mpsNode(), after: mpsNode(inventory(undefined, { mig: true })) },
    { name: 'units of units', before: gkeNode('48'), after: gkeNode('96') },
    {
      name: 'a label of nvidia-slices',
      before: slicesNode(),
      after: slicesNode('4', { 'nvidia.com/mig.strategy': 'single' }),
    },
    { name: 'an annotation of hami', before: hamiNode(), after: hamiNode({ health: false }) },
    {
      name: 'a driver of kai',
      before: kaiNode(),
      after: kaiNode('1', { 'nvidia.com/cuda.driver-version.full': '580.1.1' }),
    },
    {
      name: 'a label that a window may select by',
      before: cpuNode('4'),
      after: { ...cpuNode('4'), metadata: { name: 'edge-0', labels: { [backendLabel]: 'cpu', site: 'a' } } },
    },
    { name: 'a cordon', before: kaiNode(), after: { ...kaiNode(), spec: { unschedulable: true } } },
    {
      name: 'a kubelet that is not heard of',
      before: withReady(kaiNode(), 'True', ''),
      after: withReady(kaiNode(), 'Unknown', ''),
    },
  ])
    it(`concerns sites: ${name}`, () => {
      expect(concerns(before, after)).to.equal(true)
      expect(concerns(before, structuredClone(before))).to.equal(false)
    })

  it('does not concern them where the node only reports its health again', () =>
    expect(
      concerns(withReady(hamiNode(), 'True', 'at 12:00'), withReady(hamiNode(), 'True', 'at 12:10')),
    ).to.equal(false))
})
