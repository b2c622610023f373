/** Whole windows where every change of a share needs a new pod: inference hands over, trainings go on from their checkpoints. */
import { join } from 'node:path'
import { expect } from 'chai'
import { waitFor } from '../hack/testing/wait-for.ts'
import { streamLabel } from '../operator/api/names.ts'
import { samplesFolder } from '../operator/api/storage.ts'
import { type Pod, podSnapshot } from '../operator/cluster/pod.ts'
import { readSummaries } from '../workers/runtime/sample-folder.ts'
import { accountOf } from './support/frame-account.ts'
import { unitsOf } from './support/resizes.ts'
import { sceneClasses, useSite } from './support/site.ts'

const windowSeconds = 60
const frameRate = 10
const streams = ['cam-0', 'cam-1']

describe('windows on a GPU whose shares are changed by new pods', function () {
  this.timeout(600_000)
  const site = useSite({ cpus: 3, backend: 'cpu-replace' })
  /** By worker: uids by generation. */
  const made = new Map<string, Map<number, Set<string>>>()
  let steadiest = 0

  async function look(): Promise<void> {
    site.check()
    const path = `/api/v1/namespaces/${site.api.namespace()}/pods?labelSelector=${encodeURIComponent(streamLabel)}`
    const { items } = await site.api.client().get<{ items: readonly Pod[] }>(path)
    const held = new Map<string, number>()
    for (const pod of items) {
      const { worker, generation, uid, finished } = podSnapshot(pod)!
      const generations = made.get(worker) ?? new Map<number, Set<string>>()
      made.set(worker, generations)
      generations.set(generation, (generations.get(generation) ?? new Set()).add(uid))
      if (!finished) held.set(worker, Math.max(held.get(worker) ?? 0, unitsOf(pod, 1.5)))
    }
    steadiest = Math.max(
      steadiest,
      [...held.values()].reduce((sum, units) => sum + units, 0),
    )
  }

  it('are labelled, profiled, retrained and measured', async () => {
    for (const [i, name] of streams.entries())
      await site.camera(name, {
        source: { scene: { seed: i + 1 } },
        frameRate,
        classes: sceneClasses,
        model: { uri: 'initial/student.onnx' },
      })
    await site.window('site', {
      streamSelector: { matchLabels: { site: 'a' } },
      duration: `${windowSeconds}s`,
      labeling: { maxSamples: 80, share: 0.4 },
      retraining: {
        minGain: 0,
        configurations: [
          { name: 'all-2', epochs: 2, batchSize: 16, learningRate: 0.01, trainableLayers: 'all' },
        ],
      },
    })
    await waitFor(
      async () => {
        await look()
        const { history } = (await site.readWindow('site')).status ?? {}
        return history?.some(entry => entry.index === 1 && entry.realised !== undefined)
      },
      { deadlineMs: 5 * windowSeconds * 1000, intervalMs: 200, describe: 'window 1 to be measured' },
    )
    const { history = [] } = (await site.readWindow('site')).status ?? {}
    const records = history.find(({ index }) => index === 1)!.streams!
    expect(records.map(({ name }) => name)).to.have.members(streams)
    for (const { name, realised } of records) expect(realised, name).to.be.within(0, 1)
    expect(steadiest).to.be.at.most(100)
    // No name was given twice, and shares did change.
    for (const [worker, generations] of made)
      for (const [generation, uids] of generations) expect(uids.size, `${worker} ${generation}`).to.equal(1)
    for (const stream of streams) expect(made.get(`${stream}-inference`)!.size, stream).to.be.above(1)
    for (const stream of streams) expect(made.get(`${stream}-profile-1`)!.size).to.equal(1)
    // Over all hand-overs of the window, whenever the next one was announced.
    for (const stream of streams) {
      const folder = join(site.storage(), samplesFolder(site.api.namespace(), stream, 1))
      const account = accountOf([...(await readSummaries(folder)).values()])
      expect(account.twice, `${stream}: analysed twice`).to.deep.equal([])
      expect(account.missing.length, `${stream}: ${JSON.stringify(account)}`).to.be.at.most(account.dropped)
      expect(account.offered, stream).to.equal(frameRate * windowSeconds)
    }
  })
})
