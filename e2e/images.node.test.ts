/** The project's images on a real node: what runs in them, and the operator's whole loop with workers in containers. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { processGuard } from '../hack/control-plane/guard.ts'
import { freePorts } from '../hack/control-plane/ports.ts'
import { type OperatorProcess, startOperator } from '../hack/demo/operator-process.ts'
import { images } from '../hack/images/images.ts'
import { useRealNode } from '../hack/node/testing/node-fixture.ts'
import type { Pod } from '../hack/process-node/pod.ts'
import { main } from '../hack/process-node/testing/node-fixture.ts'
import { useApiServer, waitFor } from '../hack/testing/api-server.ts'
import type { RetrainingWindow } from '../operator/api/generated/types.ts'
import { apiVersion } from '../operator/api/names.ts'
import { makeStorage, useImages } from './support/images.ts'
import { sceneClasses } from './support/site.ts'

const root = fileURLToPath(new URL('../', import.meta.url))

describe('images on a real node', function () {
  this.timeout(300_000)
  const api = useApiServer({ crds: true })
  const fixture = useRealNode(api, { labels: { 'ekya.dev/sharing-backend': 'cpu' } })
  const { built, reference } = useImages(fixture)
  let folder: string
  let operator: OperatorProcess | undefined

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'ekya-images-'))
    processGuard().watchPath(folder)
  })
  after(async () => {
    await operator?.stop()
    rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
    processGuard().forgetPath(folder)
  })

  const restricted = {
    securityContext: {
      runAsNonRoot: true,
      readOnlyRootFilesystem: true,
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
    },
  }

  for (const { name, mostMegabytes } of images)
    it(`${name} takes at most ${mostMegabytes} MB`, () => {
      const { megabytes } = built().find(image => image.name === reference(name))!
      expect(megabytes).to.be.within(50, mostMegabytes)
    })

  it('the operator image runs without root on a read-only file system', async () => {
    await fixture.create('version', {
      restartPolicy: 'Never',
      containers: [{ name: 'main', image: reference('operator'), args: ['version'], ...restricted }],
    })
    await fixture.until('version', 'to end', pod => pod.status?.phase === 'Succeeded')
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
    expect(await fixture.logs('version')).to.contain(version)
  })

  it('the worker image tells what is wrong with its configuration', async () => {
    await fixture.create('unconfigured', {
      restartPolicy: 'Never',
      containers: [
        { name: 'main', image: reference('worker'), command: ['ekya', 'worker', 'inference'], ...restricted },
      ],
    })
    const pod = await fixture.until('unconfigured', 'to end', found => found.status?.phase === 'Failed')
    expect(main(pod)?.state?.terminated?.exitCode).to.equal(1)
    expect(await fixture.logs('unconfigured')).to.contain('EKYA_CONFIG')
  })

  it('the whole loop runs in containers, whose quotas follow the shares', async () => {
    const storage = join(folder, 'storage')
    makeStorage(storage)
    const [port] = await freePorts(1)
    let failure: Error | undefined
    operator = startOperator({
      repository: root.replace(/\/$/, ''),
      kubeconfig: api.kubeconfig(),
      storage,
      address: `127.0.0.1:${port}`,
      log: join(folder, 'operator.log'),
      namespace: api.namespace(),
      leaderElection: false,
      workerImage: reference('worker'),
      onRestart: () => {},
      onFailure: error => {
        failure = error
      },
    })
    await operator.ready(30_000)
    const resource = (plural: string) => `/apis/${apiVersion}/namespaces/${api.namespace()}/${plural}`
    const metadata = (name: string) => ({ name, labels: { site: 'a' } })
    await api.client().post(resource('camerastreams'), {
      apiVersion,
      kind: 'CameraStream',
      metadata: metadata('cam'),
      spec: {
        source: { scene: { seed: 1 } },
        frameRate: 10,
        classes: sceneClasses,
        model: { uri: 'initial/student.onnx' },
      },
    })
    await api.client().post(resource('retrainingwindows'), {
      apiVersion,
      kind: 'RetrainingWindow',
      metadata: { name: 'site' },
      spec: {
        streamSelector: { matchLabels: { site: 'a' } },
        gpus: { nodeSelector: { 'kubernetes.io/hostname': fixture.node().name } },
        duration: '30s',
        labeling: { maxSamples: 60, share: 0.5 },
        retraining: {
          minGain: 0,
          configurations: [
            { name: 'all-2', epochs: 2, batchSize: 16, learningRate: 0.01, trainableLayers: 'all' },
          ],
        },
      },
    })

    const quotas = new Set<number>()
    const roles = new Set<string>()
    const window = await waitFor(
      async () => {
        if (failure) throw failure
        const { items } = await api
          .client()
          .get<{ items: Pod[] }>(`/api/v1/namespaces/${api.namespace()}/pods`)
        for (const pod of items) {
          if (!pod.metadata.name.startsWith('cam-')) continue
          roles.add(pod.metadata.name.replace(/^cam-|-\d+$/g, ''))
          const status = main(pod)
          if (pod.metadata.name !== 'cam-inference' || !status?.state?.running) continue
          const told = status.resources?.limits?.cpu
          const cores = told?.endsWith('m') ? Number(told.slice(0, -1)) / 1000 : Number(told)
          // While a resize is under way the two differ for a moment.
          if (Math.abs(fixture.quota(pod.metadata.uid, status.containerID!) - cores) < 0.001)
            quotas.add(cores)
        }
        const found = await api.client().get<RetrainingWindow>(`${resource('retrainingwindows')}/site`)
        const done = found.status?.history?.some(
          ({ index, streams }) => index === 1 && streams?.[0]?.realised !== undefined,
        )
        return done ? found : undefined
      },
      {
        deadlineMs: 200_000,
        intervalMs: 200,
        describe: () => `the second window to be measured; seen: ${[...roles]}, quotas ${[...quotas]}`,
      },
    )
    expect([...roles]).to.include.members(['inference', 'profile', 'training'])
    // At least the share beside a training and the one alone.
    expect([...quotas]).to.have.length.above(1)
    expect(window.status?.history?.find(({ index }) => index === 1)?.streams?.[0]?.realised).to.be.within(
      0,
      1,
    )
  })
})
