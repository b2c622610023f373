/**
 * kill -9 of the operator in every phase of a window, on a real control plane with real worker pods: the fault proxy between operator and
 * API server kills it right after the server took the write of the phase and before the operator heard of it.
 */
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { freePorts } from '../hack/control-plane/ports.ts'
import { type OperatorProcess, startOperator } from '../hack/demo/operator-process.ts'
import { type ProcessNode, startProcessNode } from '../hack/process-node/process-node.ts'
import { useApiServer, waitFor } from '../hack/testing/api-server.ts'
import type { RetrainingWindow } from '../operator/api/generated/types.ts'
import { apiVersion, streamLabel } from '../operator/api/names.ts'
import { type FaultProxy, startFaultProxy } from '../operator/kube/testing/fault-proxy.ts'

const repository = fileURLToPath(new URL('../', import.meta.url)).replace(/\/$/, '')
const phases = ['Labeling', 'Profiling', 'Planning', 'Retraining', 'Closing'] as const
const windowSeconds = 20
const streams = ['cam-0', 'cam-1']

interface PodList {
  readonly items: readonly {
    readonly metadata: {
      readonly name: string
      readonly uid: string
      readonly labels?: Record<string, string>
    }
  }[]
}

describe('the operator, killed in each phase', function () {
  this.timeout(300_000)
  const api = useApiServer({ crds: true, own: ['kube-controller-manager', 'kube-scheduler'] })
  let folder: string
  let node: ProcessNode
  let proxy: FaultProxy
  let operator: OperatorProcess
  let failure: Error | undefined
  let restarts = 0
  /** uids by pod name, gathered all the time. */
  const made = new Map<string, Set<string>>()

  const window = () =>
    api
      .client()
      .get<RetrainingWindow>(`/apis/${apiVersion}/namespaces/${api.namespace()}/retrainingwindows/site`)

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ekya-recovery-'))
    await mkdir(join(folder, 'storage/initial'), { recursive: true })
    await copyFile(
      join(repository, 'hack/models/scene-student.onnx'),
      join(folder, 'storage/initial/student.onnx'),
    )
    node = await startProcessNode({
      kubeconfig: api.kubeconfig(),
      name: 'recovery-node',
      cpus: 1.5,
      directory: join(folder, 'node'),
      repository,
    })
    proxy = await startFaultProxy(api.kubeconfig())
    const [port] = await freePorts(1)
    operator = startOperator({
      repository,
      kubeconfig: proxy.kubeconfig(folder),
      storage: join(folder, 'storage'),
      address: `127.0.0.1:${port}`,
      log: join(folder, 'operator.log'),
      maximumDeaths: 100,
      leaderElection: false,
      onRestart: () => restarts++,
      onFailure: error => {
        failure = error
      },
    })
    await operator.ready(30_000)
  })

  after(async () => {
    await operator?.stop()
    await node?.stop()
    await proxy?.close()
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  })

  it('finishes every window, with one profile pod and at most one training pod per window and stream', async () => {
    const base = `/apis/${apiVersion}/namespaces/${api.namespace()}`
    for (const [i, name] of streams.entries())
      await api.client().post(`${base}/camerastreams`, {
        apiVersion,
        kind: 'CameraStream',
        metadata: { name, namespace: api.namespace(), labels: { site: 'a' } },
        spec: {
          source: { scene: { seed: i + 1 } },
          frameRate: 20,
          classes: ['car', 'truck', 'bus', 'bicycle', 'pedestrian', 'dog'],
          model: { uri: 'initial/student.onnx' },
        },
      })
    await api.client().post(`${base}/retrainingwindows`, {
      apiVersion,
      kind: 'RetrainingWindow',
      metadata: { name: 'site', namespace: api.namespace() },
      spec: {
        streamSelector: { matchLabels: { site: 'a' } },
        duration: `${windowSeconds}s`,
        labeling: { maxSamples: 80, share: 0.5 },
        retraining: {
          minGain: 0,
          configurations: [
            { name: 'all-2', epochs: 2, batchSize: 16, learningRate: 0.01, trainableLayers: 'all' },
          ],
        },
      },
    })

    // From window 1 on one kill a window, each in another phase.
    const killed: string[] = []
    for (const [i, phase] of phases.entries()) {
      const injection = proxy.inject(
        {
          kind: 'reset-after',
          onDone: () => {
            killed.push(phase)
            process.kill(operator.pid!, 'SIGKILL')
          },
        },
        ({ method, path, body }) =>
          method === 'PATCH' &&
          path.endsWith('/retrainingwindows/site/status') &&
          (JSON.parse(body) as RetrainingWindow).status?.current?.phase === phase &&
          (JSON.parse(body) as RetrainingWindow).status?.current?.index === i + 1,
      )
      await waitFor(
        async () => {
          await gatherPods()
          if (failure) throw failure
          return injection.hits > 0 && restarts >= killed.length
        },
        {
          deadlineMs: 3 * windowSeconds * 1000,
          intervalMs: 200,
          describe: `the kill in ${phase} of window ${i + 1}`,
        },
      )
    }
    const last = phases.length
    await waitFor(
      async () => {
        await gatherPods()
        return (await window()).status?.history?.some(
          entry => entry.index === last && entry.realised !== undefined,
        )
      },
      { deadlineMs: 3 * windowSeconds * 1000, intervalMs: 200, describe: `window ${last} to be measured` },
    )

    expect(killed).to.deep.equal([...phases])
    const { history = [] } = (await window()).status ?? {}
    for (let index = 0; index <= last; index++)
      expect(
        history.filter(entry => entry.index === index),
        `window ${index}`,
      ).to.have.lengthOf(1)
    for (const [name, uids] of made) expect(uids.size, name).to.equal(1)
    for (const stream of streams)
      for (let index = 1; index <= last; index++)
        expect([...made.keys()]).to.include(`${stream}-profile-${index}`)
    // Inference was never interrupted by the operator's deaths.
    expect([...made.keys()].filter(name => name.endsWith('-inference'))).to.have.members(
      streams.map(s => `${s}-inference`),
    )
  })

  async function gatherPods(): Promise<void> {
    const { items } = await api.client().get<PodList>(`/api/v1/namespaces/${api.namespace()}/pods`)
    for (const { metadata } of items) {
      if (metadata.labels?.[streamLabel] === undefined) continue
      made.set(metadata.name, (made.get(metadata.name) ?? new Set()).add(metadata.uid))
    }
  }
})
