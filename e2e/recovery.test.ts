/**
 * kill -9 of the operator in every phase of a window, on a real control plane with real worker pods: the fault proxy between operator and
 * API server kills it right after the server took the write of the phase and before the operator heard of it.
 */
import { expect } from 'chai'
import { waitFor } from '../hack/testing/wait-for.ts'
import { findCondition } from '../operator/api/conditions.ts'
import type { RetrainingWindow } from '../operator/api/generated/types.ts'
import { streamLabel } from '../operator/api/names.ts'
import { sceneClasses, useSite } from './support/site.ts'

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
  const site = useSite()
  /** uids by pod name, gathered all the time. */
  const made = new Map<string, Set<string>>()

  async function gatherPods(): Promise<void> {
    site.check()
    const { items } = await site.api.client().get<PodList>(`/api/v1/namespaces/${site.api.namespace()}/pods`)
    for (const { metadata } of items) {
      if (metadata.labels?.[streamLabel] === undefined) continue
      made.set(metadata.name, (made.get(metadata.name) ?? new Set()).add(metadata.uid))
    }
  }

  it('finishes every window, with one profile pod and at most one training pod per window and stream', async () => {
    for (const [i, name] of streams.entries())
      await site.camera(name, {
        source: { scene: { seed: i + 1 } },
        frameRate: 20,
        classes: sceneClasses,
        model: { uri: 'initial/student.onnx' },
      })
    await site.camera('cam-rtsp', {
      source: { rtsp: { url: 'rtsp://10.0.3.7/main' } },
      goldenModel: { uri: 'initial/student.onnx' },
      classes: sceneClasses,
      model: { uri: 'initial/student.onnx' },
    })
    await site.window('site', {
      streamSelector: { matchLabels: { site: 'a' } },
      duration: `${windowSeconds}s`,
      labeling: { maxSamples: 80, share: 0.5 },
      retraining: {
        minGain: 0,
        configurations: [
          { name: 'all-2', epochs: 2, batchSize: 16, learningRate: 0.01, trainableLayers: 'all' },
        ],
      },
    })

    // From window 1 on one kill a window, each in another phase.
    const killed: string[] = []
    for (const [i, phase] of phases.entries()) {
      const written = (body: string) => (JSON.parse(body) as RetrainingWindow).status?.current
      const injection = site.proxy().inject(
        {
          kind: 'reset-after',
          onDone: () => {
            killed.push(phase)
            process.kill(site.operator().pid!, 'SIGKILL')
          },
        },
        ({ method, path, body }) =>
          method === 'PATCH' &&
          path.endsWith('/retrainingwindows/site/status') &&
          written(body)?.phase === phase &&
          written(body)?.index === i + 1,
      )
      await waitFor(
        async () => {
          await gatherPods()
          return injection.hits > 0 && site.restarts() >= killed.length
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
        const { history } = (await site.readWindow('site')).status ?? {}
        return history?.some(entry => entry.index === last && entry.realised !== undefined)
      },
      {
        deadlineMs: 3 * windowSeconds * 1000,
        intervalMs: 200,
        describe: `window ${last} to be measured`,
      },
    )

    expect(killed).to.deep.equal([...phases])
    const { history = [] } = (await site.readWindow('site')).status ?? {}
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
      streams.map(stream => `${stream}-inference`),
    )
  })

  it('gives no pod to a stream whose source no worker can read, and says so', async () => {
    const { status } = await site.readCamera('cam-rtsp')
    const ready = findCondition(status?.conditions, 'Ready')
    expect(ready).to.include({ status: 'False', reason: 'SourceInvalid' })
    expect(ready?.message).to.include('spec.source.rtsp: workers cannot read such a source yet')
    expect([...made.keys()].filter(name => name.startsWith('cam-rtsp'))).to.deep.equal([])
  })
})
