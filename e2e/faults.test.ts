/** Streams that cannot serve say why and do not keep the others from serving; an idle site writes nothing. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'chai'
import { waitFor } from '../hack/testing/wait-for.ts'
import { findCondition } from '../operator/api/conditions.ts'
import { sceneClasses, useSite } from './support/site.ts'

const idleSeconds = 60

describe('a site with streams that cannot serve', function () {
  this.timeout(240_000)
  const site = useSite()
  const scene = { scene: { seed: 1 } }
  const student = { uri: 'initial/student.onnx' }
  const cases = [
    { name: 'good', source: scene, model: student, want: 'Serving', says: 'served' },
    {
      name: 'no-model',
      source: scene,
      model: { uri: 'initial/none.onnx' },
      want: 'ModelNotFound',
      says: 'none.onnx',
    },
    {
      name: 'bad-model',
      source: scene,
      model: { uri: 'initial/bad.onnx' },
      want: 'ModelInvalid',
      says: 'bad.onnx',
    },
    {
      name: 'no-folder',
      source: { samples: { uri: 'nowhere' } },
      model: student,
      want: 'SourceNotFound',
      says: 'nowhere',
    },
    {
      name: 'bad-labels',
      source: { samples: { uri: 'lists' } },
      model: student,
      want: 'LabelsInvalid',
      says: '0.csv',
    },
  ]

  before(async () => {
    await writeFile(join(site.storage(), 'initial/bad.onnx'), 'this is no ONNX file')
    await mkdir(join(site.storage(), 'lists'))
    await writeFile(
      join(site.storage(), 'lists/0.csv'),
      'idx,class,x0,y0,x1,y1,imgpath\n0,seventeen,0,0,32,32,0.jpg\n',
    )
    for (const { name, source, model } of cases)
      await site.camera(name, { source, model, frameRate: 5, classes: sceneClasses })
    await site.window('site', {
      streamSelector: { matchLabels: { site: 'a' } },
      duration: '60s',
      retraining: {
        configurations: [
          { name: 'all-2', epochs: 2, batchSize: 16, learningRate: 0.01, trainableLayers: 'all' },
        ],
      },
    })
  })

  const ready = async (name: string) =>
    findCondition((await site.readCamera(name)).status?.conditions, 'Ready')

  for (const { name, want, says } of cases)
    it(`${name} is ${want === 'Serving' ? 'ready' : `not ready: ${want}`}`, async () => {
      let seen: unknown
      await waitFor(
        async () => {
          site.check()
          const condition = await ready(name)
          seen = condition
          return condition?.reason === want
        },
        { deadlineMs: 60_000, intervalMs: 200, describe: () => `${want}, last seen ${JSON.stringify(seen)}` },
      )
      const condition = await ready(name)
      expect(condition?.status).to.equal(want === 'Serving' ? 'True' : 'False')
      expect(condition?.message).to.contain(says)
    })

  it('begins its window with the streams that serve', async () => {
    await waitFor(
      async () =>
        ['Labeling', 'Retraining'].includes((await site.readWindow('site')).status?.current?.phase ?? ''),
      { deadlineMs: 60_000, intervalMs: 200, describe: 'the window to begin' },
    )
  })

  it(`writes nothing for ${idleSeconds} s while its windows are suspended`, async () => {
    const path = `/apis/ekya.dev/v1alpha1/namespaces/${site.api.namespace()}/retrainingwindows/site`
    await site.api.client().patch(path, 'merge', { spec: { suspended: true } })
    await waitFor(async () => (await site.readWindow('site')).status?.current?.phase === 'Suspended', {
      deadlineMs: 30_000,
      intervalMs: 200,
      describe: 'the window to rest',
    })
    const writes = () => site.proxy().requests.filter(({ method }) => method !== 'GET')
    // What the suspension itself brings about (shares, conditions, events) ends first.
    let [count, since] = [writes().length, Date.now()]
    await waitFor(
      () => {
        if (writes().length !== count) [count, since] = [writes().length, Date.now()]
        return Date.now() - since > 12_000
      },
      { deadlineMs: 60_000, intervalMs: 250, describe: 'the site to come to rest' },
    )
    // The span of time is what is promised, so here time is what is waited for.
    await delay(idleSeconds * 1000)
    expect(
      writes()
        .slice(count)
        .map(({ method, path }) => `${method} ${path}`),
    ).to.deep.equal([])
  })
})
