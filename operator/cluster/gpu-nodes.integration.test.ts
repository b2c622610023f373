/** Nodes with GPUs as a real API server keeps them, and what the operator's caches make of them and of their changes. */
import { expect } from 'chai'
import { useApiServer, waitFor } from '../../hack/testing/api-server.ts'
import type { GpuInventory } from '../api/gpu-inventory.ts'
import { retrainingWindow } from '../controllers/testing/site.ts'
import { createTransport, type Transport } from '../kube/transport.ts'
import type { RawNode } from '../sharing/backend.ts'
import { backendSet } from '../sharing/backends/registry.ts'
import { inventory, mpsNode, slicesNode } from '../sharing/testing/gpu-nodes.ts'
import { type Cluster, createCluster } from './cluster.ts'

describe('nodes with GPUs, on a real API server', function () {
  this.timeout(60_000)
  // Of its own: windows of other suites would take these GPUs for theirs.
  const api = useApiServer({ own: [] })
  const stop = new AbortController()
  const window = retrainingWindow()
  let transport: Transport
  let cluster: Cluster
  let watching: Promise<void>

  const make = async (name: string, node: RawNode): Promise<void> => {
    const { metadata, status } = node
    const client = api.client()
    await client.post('/api/v1/nodes', {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { ...metadata, name },
    })
    await client.patch(`/api/v1/nodes/${name}/status`, 'merge', {
      status: {
        capacity: status?.allocatable,
        allocatable: status?.allocatable,
        nodeInfo: {
          kubeletVersion: status?.nodeInfo?.kubeletVersion,
          ...Object.fromEntries(
            [
              'architecture',
              'bootID',
              'containerRuntimeVersion',
              'kernelVersion',
              'kubeProxyVersion',
              'machineID',
              'operatingSystem',
              'osImage',
              'systemUUID',
            ].map(key => [key, 'test']),
          ),
        },
      },
    })
  }
  const inventoryOf = (name: string, document: GpuInventory) =>
    api.client().patch(`/api/v1/nodes/${name}`, 'merge', {
      metadata: { annotations: { 'ekya.dev/gpu-inventory': JSON.stringify(document) } },
    })
  const gpus = () =>
    cluster.gpus(window).map(({ node, gpu, backend, facts }) => ({
      at: `${node}/${gpu}`,
      backend,
      units: facts?.totalUnits,
    }))

  before(async () => {
    await make('edge-a', mpsNode(inventory('node-status')))
    await make('edge-b', slicesNode('8'))
    transport = createTransport({ kubeconfig: api.kubeconfig(), userAgent: 'test' })
    cluster = createCluster({ transport, backends: backendSet(), namespaces: [], fieldManagers: [] })
    watching = cluster.run(stop.signal)
    await waitFor(async () => cluster.nodes.list().length === 2, { describe: 'both nodes in the cache' })
  })
  after(async () => {
    stop.abort()
    await watching
    await transport.close()
  })

  it('are found by what they say', () => {
    expect(gpus()).to.deep.equal([
      { at: 'edge-a/0', backend: 'mps', units: 200 },
      { at: 'edge-b/0', backend: 'nvidia-slices', units: 4 },
      { at: 'edge-b/1', backend: 'nvidia-slices', units: 4 },
    ])
    expect(cluster.refusals(window)).to.deep.equal([])
  })

  it('are left out as soon as their agent says why', async () => {
    await inventoryOf('edge-a', inventory('node-status', { mig: true }))
    await waitFor(async () => cluster.refusals(window).length > 0, { describe: 'a refusal' })
    expect(cluster.refusals(window)[0]).to.match(/^node edge-a \(mps\): GPU 0: MIG mode is on/)
    expect(gpus().map(({ at }) => at)).to.deep.equal(['edge-b/0', 'edge-b/1'])
  })

  it('come back as soon as nothing is in the way', async () => {
    await inventoryOf('edge-a', inventory('device-plugin'))
    await waitFor(async () => cluster.refusals(window).length === 0, { describe: 'no refusal' })
    expect(gpus().map(({ at }) => at)).to.include('edge-a/0')
  })

  it('are left out while nothing is heard of their node, and stay where there are no others', async () => {
    const heard = (name: string, status: 'True' | 'Unknown') =>
      api.client().patch(`/api/v1/nodes/${name}/status`, 'merge', {
        status: { conditions: [{ type: 'Ready', status, reason: 'NodeStatusUnknown', message: 'silent' }] },
      })
    await heard('edge-a', 'Unknown')
    await waitFor(async () => cluster.refusals(window).length > 0, { describe: 'a refusal' })
    expect(cluster.refusals(window)).to.deep.equal([
      'node edge-a: its kubelet is not heard of (NodeStatusUnknown: silent)',
    ])
    expect(gpus().map(({ at }) => at)).to.deep.equal(['edge-b/0', 'edge-b/1'])
    await heard('edge-b', 'Unknown')
    await waitFor(async () => gpus().length === 3, { describe: 'all GPUs' })
    const { lostNodes } = cluster.site(window, () => undefined, 0)
    expect(lostNodes!.map(({ node, leftOut }) => [node, leftOut])).to.deep.equal([
      ['edge-a', false],
      ['edge-b', false],
    ])
    for (const name of ['edge-a', 'edge-b']) await heard(name, 'True')
    await waitFor(async () => cluster.site(window, () => undefined, 0).lostNodes!.length === 0, {
      describe: 'no lost node',
    })
  })
})
