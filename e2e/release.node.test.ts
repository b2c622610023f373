/**
 * The life of a release on a real node, as its users live it: installed with Helm, two replicas of the operator and all workers in pods,
 * two whole windows of three generated streets and one list of samples, watched by a Prometheus and a browser; upgraded with live
 * streams, its leader killed, checked by `helm test`, and removed with and without its definitions.
 *
 * What was measured on the way is printed.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import type { Browser } from 'puppeteer-core'
import { ensureHelm } from '../hack/chart/helm.ts'
import { ensurePrometheus } from '../hack/chart/promtool.ts'
import { chartFolder } from '../hack/chart/render.ts'
import { metricsIn, nodeAgentMetrics } from '../hack/chart/testing/metrics-in.ts'
import { monitoringCrds } from '../hack/chart/testing/monitoring-crds.ts'
import type { KubernetesObject } from '../hack/control-plane/api-client.ts'
import { processGuard } from '../hack/control-plane/guard.ts'
import { useRealNode } from '../hack/node/testing/node-fixture.ts'
import type { Pod } from '../hack/process-node/pod.ts'
import { main } from '../hack/process-node/testing/node-fixture.ts'
import { useApiServer, waitFor } from '../hack/testing/api-server.ts'
import { browserPath, ensureBrowser, startBrowser } from '../hack/testing/browser.ts'
import { type Monitor, type Prometheus, startPrometheus } from '../hack/testing/prometheus.ts'
import type { CameraStream, RetrainingWindow } from '../operator/api/generated/types.ts'
import { apiVersion } from '../operator/api/names.ts'
import { samplesFolder } from '../operator/api/storage.ts'
import type { InferenceStatus } from '../operator/api/worker.ts'
import { readFrames, readSummaries } from '../workers/runtime/sample-folder.ts'
import { accountOf } from './support/frame-account.ts'
import { makeStorage, useImages } from './support/images.ts'
import { Release } from './support/release.ts'
import { writeSampleLists } from './support/sample-list.ts'
import { sceneClasses } from './support/site.ts'

const frameRate = 5
const windowSeconds = 60
const streets = ['cam-0', 'cam-1', 'cam-2']
const streams = [...streets, 'samples']
/** Of the node's cores, for the operator's replicas and the pod of `helm test`. */
const reservedCores = 0.4
/** Of the one volume that there is, which the chart's claim gets. */
const storageClass = 'local'

describe('a release on a real node', function () {
  this.timeout(300_000)
  this.bail(true)
  const progress = (line: string) => void process.stderr.write(`  ${line}\n`)
  const api = useApiServer({ own: ['kube-controller-manager', 'kube-scheduler'] })
  const cores = availableParallelism() - reservedCores
  const fixture = useRealNode(api, {
    labels: { 'ekya.dev/sharing-backend': 'cpu', 'ekya.dev/cpu-cores': `${Math.round(cores * 1000)}m` },
  })
  const { reference } = useImages(fixture, ['operator', 'worker'])
  let folder: string
  let release: Release
  let prometheus: Prometheus | undefined
  let browser: Browser | undefined
  const storage = () => join(folder, 'storage')
  const values = () => ({
    operator: {
      replicas: 2,
      mountStorage: true,
      image: { registry: 'ekya.dev', tag: 'other', pullPolicy: 'Never' },
    },
    worker: { image: { registry: 'ekya.dev', tag: 'test' } },
    storage: { type: 'pvc', pvc: { storageClassName: storageClass, size: '1Gi' } },
    metrics: {
      serviceMonitor: { enabled: true, interval: '2s' },
      podMonitor: { enabled: true, interval: '2s' },
      prometheusRule: { enabled: true },
    },
  })

  before(async function () {
    this.timeout(30 * 60_000)
    await ensureHelm(progress)
    await ensurePrometheus(progress)
    await ensureBrowser(progress)
    if (browserPath() === undefined) {
      if (process.env.CI)
        throw new Error('no Chromium: install the package chromium, or name one by CHROMIUM')
      return this.skip()
    }
    folder = mkdtempSync(join(tmpdir(), 'ekya-release-'))
    processGuard().watchPath(folder)
    // Root's: that workers may write there is kubelet's doing, by the group of their pods.
    makeStorage(storage(), 0)
    await api.client().post('/api/v1/persistentvolumes', {
      ...{ apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name: 'site' } },
      spec: {
        capacity: { storage: '1Gi' },
        accessModes: ['ReadWriteOnce'],
        persistentVolumeReclaimPolicy: 'Retain',
        storageClassName: storageClass,
        local: { path: storage() },
        nodeAffinity: {
          required: {
            nodeSelectorTerms: [
              {
                matchExpressions: [
                  { key: 'kubernetes.io/hostname', operator: 'In', values: [fixture.node().name] },
                ],
              },
            ],
          },
        },
      },
    })
    await writeSampleLists(join(storage(), 'footage'), {
      ...{ seed: 21, windows: 2, seconds: windowSeconds },
      frames: windowSeconds * frameRate,
    })
    release = new Release(api, folder)
    for (const crd of monitoringCrds)
      await api.client().post('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', crd)
    for (const name of ['operator', 'worker'] as const)
      await fixture.node().tagImage(reference(name), reference(name).replace(/:.*$/, ':other'))
  })
  afterEach(async function () {
    if (this.currentTest?.state !== 'failed') return
    // What people would look at.
    const events = await list<KubernetesObject>('events.k8s.io/v1', 'events')
    for (const { regarding, reason, note, type } of events)
      progress(`${type} ${(regarding as KubernetesObject['metadata']).name} ${reason}: ${note}`)
  })
  after(async function () {
    this.timeout(60_000)
    await browser?.close()
    await prometheus?.stop()
    if (folder === undefined) return
    rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
    processGuard().forgetPath(folder)
  })

  const list = async <T extends KubernetesObject>(group: string, plural: string): Promise<readonly T[]> => {
    const base = group === '' ? '/api/v1' : `/apis/${group}`
    return (await api.client().get<{ items: T[] }>(`${base}/namespaces/${api.namespace()}/${plural}`)).items
  }
  const resource = (plural: string) => `/apis/${apiVersion}/namespaces/${api.namespace()}/${plural}`
  const allPods = () => list<Pod & KubernetesObject>('', 'pods')
  const living = (pod: Pod) => pod.metadata.deletionTimestamp === undefined && pod.status?.phase === 'Running'
  const component = async (name: string) =>
    (await allPods()).filter(({ metadata }) => metadata.labels?.['app.kubernetes.io/component'] === name)
  const inference = async (names: readonly string[] = streams) => {
    const pods = (await allPods()).filter(living)
    return names.flatMap(name => pods.filter(({ metadata }) => metadata.name === `${name}-inference`))
  }
  const statusOf = async (pod: Pod): Promise<InferenceStatus> =>
    (await fetch(`http://${pod.status?.podIP}:8080/status`)).json() as Promise<InferenceStatus>
  const window = () => api.client().get<RetrainingWindow>(`${resource('retrainingwindows')}/site`)
  const lease = async () => {
    const path = `/apis/coordination.k8s.io/v1/namespaces/${api.namespace()}/leases/ekya-operator`
    return (await api.client().get<KubernetesObject>(path)).spec as { readonly holderIdentity?: string }
  }
  const camera = (name: string, source: object) =>
    api.client().post(resource('camerastreams'), {
      ...{ apiVersion, kind: 'CameraStream', metadata: { name, labels: { site: 'a' } } },
      spec: { source, frameRate, classes: sceneClasses, model: { uri: 'initial/student.onnx' } },
    })
  const measured = (index: number, status: RetrainingWindow['status']) =>
    status?.history?.find(
      record =>
        record.index === index &&
        streams.every(name => record.streams?.find(each => each.name === name)?.realised !== undefined),
    )
  const untilMeasured = (index: number, deadlineMs = 3 * windowSeconds * 1000) => {
    let last: RetrainingWindow['status']
    return waitFor(
      async () => {
        last = (await window()).status
        return measured(index, last)
      },
      {
        deadlineMs,
        intervalMs: 500,
        describe: () => `window ${index} to be measured; there is ${JSON.stringify(last)}`,
      },
    )
  }
  /** All replicas are ready, and none of another image is left. */
  const untilRolledOut = (tag: string) =>
    waitFor(
      async () => {
        const pods = await component('operator')
        const ready = pods.filter(
          pod =>
            living(pod) &&
            pod.status?.conditions?.some(c => c.type === 'Ready' && c.status === 'True') === true,
        )
        return (
          pods.length === 2 &&
          ready.length === 2 &&
          pods.every(({ spec }) => spec.containers[0]?.image?.endsWith(`:${tag}`))
        )
      },
      { deadlineMs: 90_000, intervalMs: 200, describe: `two operators of the image ${tag}` },
    )

  it('is installed, and streams are served soon after', async () => {
    const started = performance.now()
    const seconds = () => (performance.now() - started) / 1000
    await release.upgrade(await release.package('0.0.9'), values())
    for (const [i, name] of streets.entries()) await camera(name, { scene: { seed: i + 1 } })
    await camera('samples', { samples: { uri: 'footage' } })
    await api.client().post(resource('retrainingwindows'), {
      ...{ apiVersion, kind: 'RetrainingWindow', metadata: { name: 'site' } },
      spec: {
        streamSelector: { matchLabels: { site: 'a' } },
        duration: `${windowSeconds}s`,
        labeling: { maxSamples: 40, share: 0.7 },
        microProfiler: { epochs: 2, sampleFraction: 0.5, budgetFraction: 0.5 },
        retraining: {
          minGain: 0,
          configurations: [
            { name: 'head-2', epochs: 2, batchSize: 16, learningRate: 0.02, trainableLayers: 'head' },
            { name: 'all-2', epochs: 2, batchSize: 16, learningRate: 0.01, trainableLayers: 'all' },
          ],
        },
      },
    })
    let pods: readonly Pod[] = []
    await waitFor(
      async () => {
        pods = await allPods()
        for (const pod of await inference()) if ((await statusOf(pod)).frames.analysed > 0) return true
        return false
      },
      {
        deadlineMs: 120_000,
        intervalMs: 100,
        describe: () =>
          `a frame to be analysed; there are ${pods.map(({ metadata, status }) => `${metadata.name} (${JSON.stringify(status?.containerStatuses ?? status?.conditions)})`).join(', ')}`,
      },
    )
    progress(`from helm install to the first inference: ${seconds().toFixed(1)} s`)
    expect(seconds()).to.be.below(60)
    await untilRolledOut('other')
    expect((await lease()).holderIdentity).to.match(/^ekya-operator-/)
  })

  it('is scraped by a Prometheus as its monitors say', async () => {
    const monitors = await Promise.all([
      list<Monitor>('monitoring.coreos.com/v1', 'servicemonitors'),
      list<Monitor>('monitoring.coreos.com/v1', 'podmonitors'),
    ])
    const rules = await list<KubernetesObject>('monitoring.coreos.com/v1', 'prometheusrules')
    const kinds = ['ServiceMonitor', 'PodMonitor']
    const running = await startPrometheus({
      folder,
      client: api.client(),
      // Lists leave kinds out.
      monitors: monitors.flatMap((found, i) => found.map(monitor => ({ ...monitor, kind: kinds[i]! }))),
      groups: rules.flatMap(({ spec }) => (spec as { readonly groups: readonly unknown[] }).groups),
    })
    prometheus = running
    await waitFor(
      async () => {
        await running.discover()
        const up = await running.query('up == 1')
        const jobs = up.map(({ metric }) => metric.job?.split('/')[0])
        return (
          jobs.filter(job => job === 'ServiceMonitor').length === 2 &&
          jobs.filter(job => job === 'PodMonitor').length >= streams.length
        )
      },
      { deadlineMs: 60_000, intervalMs: 500, describe: 'two operators and the workers to be scraped' },
    )
  })

  it('goes through two whole windows, with quotas that follow the shares', async () => {
    const quotas = new Map<string, Set<number>>(streams.map(name => [name, new Set<number>()]))
    const roles = new Set<string>()
    let overCommitted = 0
    let last: RetrainingWindow['status']
    const record = await waitFor(
      async () => {
        const pods = (await allPods()).filter(
          ({ metadata }) => metadata.labels?.['ekya.dev/stream'] !== undefined,
        )
        let sum = 0
        for (const pod of pods.filter(living)) {
          roles.add(pod.metadata.labels?.['ekya.dev/role'] ?? '')
          const status = main(pod)
          const stream = pod.metadata.labels?.['ekya.dev/stream'] ?? ''
          if (!status?.state?.running) continue
          const told = status.resources?.limits?.cpu
          const share = told?.endsWith('m') ? Number(told.slice(0, -1)) / 1000 : Number(told)
          const quota = quotaOf(pod, status.containerID!)
          // It may have ended meanwhile.
          if (quota === undefined) continue
          sum += quota
          // While a resize is under way the two differ for a moment.
          if (pod.metadata.name === `${stream}-inference` && Math.abs(quota - share) < 0.001)
            quotas.get(stream)?.add(share)
        }
        overCommitted = Math.max(overCommitted, sum)
        last = (await window()).status
        return last && measured(1, last)
      },
      {
        deadlineMs: 4 * windowSeconds * 1000,
        intervalMs: 200,
        describe: () => `two windows to be measured; roles seen: ${[...roles]}; ${JSON.stringify(last)}`,
      },
    )
    expect([...roles]).to.include.members(['inference', 'profile', 'training'])
    for (const [name, seen] of quotas) expect(seen.size, `quotas of ${name}`).to.be.above(1)
    // Of all pods together, whatever moment was looked at.
    expect(overCommitted).to.be.at.most(cores + 0.001)
    expect(record.gpuSecondsTrained).to.be.above(0)
    progress(
      `window 1: served ${record.realised?.toFixed(3)}, without retraining ${record.withoutRetraining?.toFixed(3)}, ${record.retrained} of ${streams.length} models replaced`,
    )
  })

  const quotaOf = (pod: Pod, id: string): number | undefined => {
    try {
      return fixture.quota(pod.metadata.uid, id)
    } catch {
      return undefined
    }
  }

  it('tells the accuracy that the frames on disk have', async () => {
    const { status } = await window()
    for (const index of [0, 1])
      for (const name of streams) {
        const told = measured(index, status)?.streams?.find(each => each.name === name)?.realised
        const frames = await readFrames(join(storage(), samplesFolder(api.namespace(), name, index)))
        const right = frames.filter(({ served, label }) => served !== null && served === label).length
        expect(told, `${name} in window ${index}`).to.be.closeTo(right / frames.length, 0.02)
        expect(told, `${name} in window ${index}`).to.be.above(1 / sceneClasses.length)
      }
    const { items } = await api.client().get<{ items: readonly CameraStream[] }>(resource('camerastreams'))
    for (const { metadata, status: ofStream } of items)
      expect(
        ofStream?.conditions?.find(({ type }) => type === 'Ready'),
        metadata.name,
      ).to.include({ status: 'True' })
  })

  it('says what happened in events', async () => {
    const events = await list<KubernetesObject>('events.k8s.io/v1', 'events')
    const ours = events.filter(({ reportingController }) => String(reportingController).includes('ekya'))
    const reasons = new Set(ours.map(({ reason }) => reason))
    expect([...reasons]).to.include.members(['WindowStarted', 'Planned', 'RetrainingStarted'])
    progress(`events: ${[...reasons].sort().join(', ')}`)
  })

  it('has every metric of alerts and dashboard in Prometheus, and no alert that fires', async () => {
    const running = prometheus!
    const rules = await list<KubernetesObject>('monitoring.coreos.com/v1', 'prometheusrules')
    const elsewhere = nodeAgentMetrics()
    const used = metricsIn(JSON.stringify(rules.map(({ spec }) => spec))).filter(name => !elsewhere.has(name))
    expect(used).to.have.length.above(10)
    let missing: readonly string[] = used
    // A scrape behind, and a profiler's error only once a planned window was measured.
    await waitFor(
      async () => {
        const found = await running.query('count by (__name__) ({__name__=~".+"})')
        const names = new Set(found.map(({ metric }) => metric.__name__))
        missing = used.filter(name => !names.has(name))
        return missing.length === 0
      },
      {
        deadlineMs: 2 * windowSeconds * 1000,
        intervalMs: 500,
        describe: () => `${missing.join(', ')} in Prometheus`,
      },
    )
    expect(await waitFor(() => running.badRules(), { deadlineMs: 30_000, intervalMs: 500 })).to.deep.equal([])
    expect(await running.firing()).to.deep.equal([])
    expect((await running.query('sum(ekya_leader)')).map(({ value }) => value)).to.deep.equal([1])
    const accuracy = await running.query('ekya_stream_accuracy_ratio{kind="measured"}')
    expect(new Set(accuracy.map(({ metric }) => metric.stream))).to.deep.equal(new Set(streams))
    expect(new Set(accuracy.map(({ metric }) => metric.namespace))).to.deep.equal(new Set([api.namespace()]))
    const [planned] = await running.query('sum(ekya_windows_total{result="planned"})')
    expect(planned?.value).to.be.at.least(1)
    const [committed] = await running.query('max_over_time(max(ekya_gpu_share_allocated_ratio)[10m:1s])')
    expect(committed?.value).to.be.at.most(1.001)
  })

  it('shows the site and recent frames in a browser, through its Service', async () => {
    browser = await startBrowser(browserPath()!, command => fixture.node().enter(command))
    const path = `/api/v1/namespaces/${api.namespace()}/services/ekya-operator`
    const { spec } = await api.client().get<KubernetesObject>(path)
    const url = `http://${(spec as { readonly clusterIP: string }).clusterIP}:8080`
    const page = await browser.newPage()
    const complaints: string[] = []
    page.on('pageerror', error => complaints.push(String(error)))
    page.on('requestfailed', request => {
      // An open page listens for news until it is left.
      if (!request.url().endsWith('/live')) complaints.push(`${request.url()} failed`)
    })
    await page.goto(`${url}/`, { waitUntil: 'load' })
    const text = await page.$eval('body', body => body.textContent ?? '')
    for (const name of [...streams, `${api.namespace()}/site`]) expect(text).to.include(name)
    await page.goto(`${url}/streams/${api.namespace()}/samples`, { waitUntil: 'load' })
    await waitFor(
      () =>
        page.$$eval('.frames img', images => {
          for (const image of images) image.scrollIntoView()
          return images.length > 0 && images.every(image => image.naturalWidth > 0)
        }),
      { deadlineMs: 20_000, intervalMs: 200, describe: 'frames to be shown' },
    )
    expect(complaints).to.deep.equal([])
    await page.close()
  })

  it('is upgraded with live streams: no inference pod restarts, no frame is lost', async () => {
    const identities = async () =>
      (await inference()).map(pod => [
        pod.metadata.name,
        pod.metadata.uid,
        main(pod)?.containerID,
        main(pod)?.restartCount,
      ])
    const counts = async () =>
      new Map(
        await Promise.all(
          (await inference()).map(async pod => [pod.metadata.name, (await statusOf(pod)).frames] as const),
        ),
      )
    const [pods, before, since] = [await identities(), await counts(), performance.now()]
    expect(pods).to.have.length(streams.length)
    await release.upgrade(chartFolder, { operator: { image: { tag: 'test' } } }, '--reset-then-reuse-values')
    await untilRolledOut('test')
    const seconds = (performance.now() - since) / 1000
    const after = await counts()
    expect(await identities()).to.deep.equal(pods)
    for (const [name, { offered, dropped }] of after) {
      const had = before.get(name)!
      expect(dropped - had.dropped, `frames of ${name} that were dropped`).to.equal(0)
      // One window may end in between, whose last frame and the next one's first need not be a period apart.
      expect(offered - had.offered, `frames of ${name}`).to.be.closeTo(seconds * frameRate, frameRate)
    }
    progress(`helm upgrade, until both replicas are new: ${seconds.toFixed(1)} s`)
  })

  it('goes on with its window when the leader is killed', async () => {
    // After an upgrade the lease may still name a pod that is gone, or nobody.
    const { leader, holderIdentity } = await waitFor(
      async () => {
        const { holderIdentity = '' } = await lease()
        const pods = await component('operator')
        const leader = pods.find(({ metadata }) => holderIdentity.startsWith(`${metadata.name}_`))
        return leader && { leader, holderIdentity }
      },
      { deadlineMs: 60_000, intervalMs: 100, describe: 'a leader among the pods' },
    )
    const { current } = (await window()).status ?? {}
    const index = current!.index
    const started = performance.now()
    await fixture.node().killContainer(main(leader)!.containerID!)
    await waitFor(
      async () => {
        const now = await lease()
        return now.holderIdentity !== undefined && now.holderIdentity !== holderIdentity
      },
      { deadlineMs: 60_000, intervalMs: 100, describe: 'another leader' },
    )
    const seconds = (performance.now() - started) / 1000
    progress(`from the leader's death to the next leader: ${seconds.toFixed(1)} s`)
    expect(seconds).to.be.below(30)
    await untilMeasured(index)
    for (const name of streams) {
      const found = await readSummaries(join(storage(), samplesFolder(api.namespace(), name, index)))
      const account = accountOf([...found.values()])
      expect(account, `frames of ${name} in window ${index}`).to.deep.include({
        ...{ dropped: 0, twice: [], missing: [], pods: 1 },
      })
      expect(account.last - account.first + 1, `frames of ${name}`).to.be.closeTo(
        windowSeconds * frameRate,
        2,
      )
    }
  })

  it('passes `helm test` in a pod', async () => {
    await fixture.node().publishServices()
    expect(await release.test()).to.match(/^TEST SUITE: +ekya-test\n(?:.*\n)*?Phase: +Succeeded$/m)
  })

  it('has an operator that keeps small with ten streams', async () => {
    const more = Array.from({ length: 10 - streams.length }, (_, i) => `more-${i}`)
    for (const [i, name] of more.entries()) await camera(name, { scene: { seed: 100 + i } })
    await waitFor(
      async () => {
        const pods = await inference([...streams, ...more])
        const frames = await Promise.all(pods.map(async pod => (await statusOf(pod)).frames.analysed))
        return frames.length === 10 && frames.every(analysed => analysed > 0)
      },
      { deadlineMs: 3 * windowSeconds * 1000, intervalMs: 500, describe: 'ten streams to be served' },
    )
    await prometheus!.discover()
    const resident = async () =>
      (await prometheus!.query('process_resident_memory_bytes * on (instance) ekya_leader')).filter(
        ({ value }) => value > 0,
      )
    const [leader] = await waitFor(
      async () => {
        const found = await resident()
        return found.length === 1 ? found : undefined
      },
      { deadlineMs: 30_000, intervalMs: 250, describe: "the leader's memory" },
    )
    progress(
      `the leading operator is resident with ${(leader!.value / 1e6).toFixed(0)} MB, ten streams served`,
    )
    expect(leader!.value).to.be.below(150e6)
    for (const name of more) await api.client().delete(`${resource('camerastreams')}/${name}`)
  })

  it('replaces inference pods when the worker image changes, and only then', async () => {
    const before = new Set((await inference()).map(({ metadata }) => metadata.uid))
    await release.upgrade(chartFolder, { worker: { image: { tag: 'other' } } }, '--reset-then-reuse-values')
    await waitFor(
      async () => {
        const pods = await inference()
        const frames = await Promise.all(pods.map(async pod => (await statusOf(pod)).frames.analysed))
        return (
          pods.length === streams.length &&
          pods.every(({ spec }) => spec.containers[0]?.image?.endsWith(':other')) &&
          frames.every(analysed => analysed > 0)
        )
      },
      { deadlineMs: 90_000, intervalMs: 500, describe: 'all streams to be served by the new image' },
    )
    for (const { metadata } of await inference()) expect(before).not.to.include(metadata.uid)
  })

  it('leaves definitions, streams, their pods and what they keep when it is removed', async () => {
    const pods = await inference()
    await release.uninstall()
    await waitFor(async () => (await component('operator')).length === 0, {
      deadlineMs: 60_000,
      intervalMs: 200,
      describe: 'the operators to go',
    })
    expect((await list(apiVersion, 'camerastreams')).map(({ metadata }) => metadata.name)).to.include.members(
      streams,
    )
    expect((await inference()).map(({ metadata }) => metadata.uid)).to.deep.equal(
      pods.map(({ metadata }) => metadata.uid),
    )
    const [claim, ...others] = await list<KubernetesObject>('', 'persistentvolumeclaims')
    expect(others).to.deep.equal([])
    expect(claim).to.deep.include({ spec: { ...(claim?.spec as object), volumeName: 'site' } })
  })

  it('leaves nothing when it is told to', async () => {
    const { storage: of, ...others } = values()
    await release.upgrade(chartFolder, {
      ...others,
      storage: { ...of, pvc: { ...of.pvc, keep: false } },
      crds: { keep: false },
    })
    await release.uninstall()
    await waitFor(async () => (await allPods()).length === 0, {
      deadlineMs: 90_000,
      intervalMs: 200,
      describe: 'all pods to go',
    })
    interface All {
      readonly items: readonly KubernetesObject[]
    }
    for (const path of [
      '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
      '/apis/rbac.authorization.k8s.io/v1/clusterroles',
      '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings',
      '/apis/scheduling.k8s.io/v1/priorityclasses',
      ...['configmaps', 'secrets', 'services', 'serviceaccounts', 'persistentvolumeclaims'].map(
        plural => `/api/v1/namespaces/${api.namespace()}/${plural}`,
      ),
      `/apis/rbac.authorization.k8s.io/v1/namespaces/${api.namespace()}/roles`,
      `/apis/rbac.authorization.k8s.io/v1/namespaces/${api.namespace()}/rolebindings`,
    ]) {
      const { items } = await api.client().get<All>(path)
      const left = items.map(({ metadata }) => metadata.name).filter(name => name.includes('ekya'))
      expect(left, path).to.deep.equal([])
    }
  })
})
