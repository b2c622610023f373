/**
 * A node that falls silent, on a real control plane: its Node and its pods stay in the API, as after a power cut. The controllers of
 * Kubernetes say that it is lost, and what was served there is served elsewhere.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { type ProcessNode, startProcessNode } from '../hack/process-node/process-node.ts'
import { waitFor } from '../hack/testing/wait-for.ts'
import { backendLabel } from '../operator/sharing/backend.ts'
import { sceneClasses, useSite } from './support/site.ts'

const streams = ['cam-0', 'cam-1']

describe('a node that is lost', function () {
  this.timeout(240_000)
  const site = useSite({ cpus: 1 })
  let folder: string
  let second: ProcessNode | undefined
  const startSecond = async () => {
    second = await startProcessNode({
      kubeconfig: site.api.kubeconfig(),
      name: 'e2e-node-2',
      cpus: 1,
      labels: { [backendLabel]: 'cpu' },
      directory: join(folder, 'node'),
      repository: fileURLToPath(new URL('../', import.meta.url)).replace(/\/$/, ''),
      keepNode: true,
    })
  }

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ekya-lost-'))
    await startSecond()
  })
  after(async () => {
    await second?.stop()
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  })

  const nodesOf = async () => {
    site.check()
    const read = await Promise.all(streams.map(name => site.readCamera(name)))
    return read.map(({ status }) =>
      status?.conditions?.some(({ type, status: holds }) => type === 'Ready' && holds === 'True')
        ? status.allocation?.node
        : undefined,
    )
  }
  const readyOf = async () =>
    (await site.readWindow('site')).status?.conditions?.find(({ type }) => type === 'Ready')
  const wait = { deadlineMs: 100_000, intervalMs: 200 }

  it('is left out, its stream is served by the other, and it takes part again when it is back', async () => {
    for (const [i, name] of streams.entries())
      await site.camera(name, {
        source: { scene: { seed: i + 1 } },
        frameRate: 5,
        classes: sceneClasses,
        model: { uri: 'initial/student.onnx' },
      })
    await site.window('site', {
      streamSelector: { matchLabels: { site: 'a' } },
      duration: '600s',
      labeling: { maxSamples: 80 },
      retraining: { configurations: [{ name: 'all-2', epochs: 2 }] },
    })
    await waitFor(async () => (await nodesOf()).toSorted().join() === 'e2e-node,e2e-node-2', {
      ...wait,
      describe: 'a stream on each node',
    })

    await second!.stop()
    await waitFor(async () => (await readyOf())?.reason === 'GpusLeftOut', {
      ...wait,
      describe: 'the node to be left out',
    })
    expect((await readyOf())!.message).to.match(/left out: node e2e-node-2: its kubelet is not heard of/)
    await waitFor(async () => (await nodesOf()).join() === 'e2e-node,e2e-node', {
      ...wait,
      describe: 'both streams on the node that is left',
    })
    const { items } = await site.api
      .client()
      .get<{ items: { spec: { nodeName?: string } }[] }>(`/api/v1/namespaces/${site.api.namespace()}/pods`)
    expect(items.map(({ spec }) => spec.nodeName)).to.deep.equal(['e2e-node', 'e2e-node'])

    await startSecond()
    await waitFor(async () => (await readyOf())?.reason === 'Running', {
      ...wait,
      describe: 'the node to take part again',
    })
  })
})
