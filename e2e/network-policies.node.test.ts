/**
 * The chart's NetworkPolicies on a real node that enforces them (kube-router): who reaches the operator and a worker, and whom the
 * operator reaches, each by a connection of its own out of the pod; and that a release works behind them.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureHelm } from '../hack/chart/helm.ts'
import { chartFolder } from '../hack/chart/render.ts'
import type { KubernetesObject } from '../hack/control-plane/api-client.ts'
import { processGuard } from '../hack/control-plane/guard.ts'
import { shell } from '../hack/node/scratch-image.ts'
import { useRealNode } from '../hack/node/testing/node-fixture.ts'
import type { Pod } from '../hack/process-node/pod.ts'
import { main } from '../hack/process-node/testing/node-fixture.ts'
import { useApiServer, waitFor } from '../hack/testing/api-server.ts'
import type { CameraStream } from '../operator/api/generated/types.ts'
import { apiVersion } from '../operator/api/names.ts'
import { makeStorage, useImages } from './support/images.ts'
import { Release } from './support/release.ts'
import { sceneClasses } from './support/site.ts'

const image = 'ekya.dev/shell:1'

/** Who opens a connection to whose port 8080, and whether the policies let it through. */
const connections = [
  { from: 'prometheus', to: 'operator', path: '/metrics', allowed: true },
  { from: 'prometheus', to: 'worker', path: '/metrics', allowed: true },
  { from: 'neighbour', to: 'operator', path: '/', allowed: true },
  { from: 'neighbour', to: 'worker', path: '/status', allowed: false },
  { from: 'stranger', to: 'operator', path: '/', allowed: false },
  { from: 'stranger', to: 'worker', path: '/status', allowed: false },
  { from: 'operator', to: 'worker', path: '/status', allowed: true },
  { from: 'operator', to: 'stranger', path: '/', allowed: false },
  // Cameras may be anywhere.
  { from: 'worker', to: 'stranger', path: '/', allowed: true },
  { from: 'worker', to: 'operator', path: '/', allowed: true },
] as const
type Role = (typeof connections)[number]['from']

describe('network policies of a release on a real node', function () {
  this.timeout(180_000)
  this.bail(true)
  const progress = (line: string) => void process.stderr.write(`  ${line}\n`)
  const api = useApiServer({ own: ['kube-controller-manager', 'kube-scheduler'] })
  const fixture = useRealNode(api, {
    networkPolicies: true,
    labels: { 'ekya.dev/sharing-backend': 'cpu', 'ekya.dev/cpu-cores': '1' },
  })
  useImages(fixture, ['operator', 'worker'])
  let folder: string
  let release: Release

  before(async function () {
    this.timeout(30 * 60_000)
    await ensureHelm(progress)
    folder = mkdtempSync(join(tmpdir(), 'ekya-policies-'))
    processGuard().watchPath(folder)
    makeStorage(join(folder, 'storage'))
    release = new Release(api, folder)
    await fixture.node().importScratchImage(shell(image))
    await server('neighbour', api.namespace())
    for (const [name, namespace] of [
      ['prometheus', 'monitoring'],
      ['stranger', 'elsewhere'],
    ] as const) {
      await api
        .client()
        .post('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } })
      await waitFor(() => api.client().exists(`/api/v1/namespaces/${namespace}/serviceaccounts/default`), {
        describe: `the default service account of ${namespace}`,
      })
      await server(name, namespace)
    }
  })
  after(() => {
    if (folder === undefined) return
    rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
    processGuard().forgetPath(folder)
  })

  /** A pod that answers on port 8080. */
  const server = (name: string, namespace: string) =>
    api.client().post(`/api/v1/namespaces/${namespace}/pods`, {
      ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name, labels: { role: name } } },
      spec: {
        terminationGracePeriodSeconds: 1,
        containers: [
          {
            ...{ name: 'main', image, imagePullPolicy: 'IfNotPresent' },
            command: ['/bin/sh', '-c', 'echo here >/tmp/index.html; exec httpd -f -p 8080 -h /tmp'],
          },
        ],
      },
    })
  const pods = async (): Promise<ReadonlyMap<Role, Pod>> => {
    const { items } = await api.client().get<{ items: (Pod & KubernetesObject)[] }>('/api/v1/pods')
    const role = ({ metadata: { name, labels = {} } }: Pod): string | undefined =>
      labels['app.kubernetes.io/component'] === 'operator'
        ? 'operator'
        : name === 'cam-inference'
          ? 'worker'
          : labels.role
    const running = items.filter(
      ({ metadata, status }) => metadata.deletionTimestamp === undefined && status?.phase === 'Running',
    )
    return new Map(running.map(pod => [role(pod) as Role, pod]))
  }
  /** Of each connection why it could not be made; nothing where it could. */
  const refusals = async (): Promise<(string | undefined)[]> => {
    const found = await pods()
    const results: (string | undefined)[] = []
    for (const { from, to, path } of connections) {
      // Its own limit of time (-T) ends it with a segmentation fault.
      const client = ['timeout', '5', '/bin/busybox', 'wget', '-q', '-O', '/dev/null']
      const url = `http://${found.get(to)?.status?.podIP}:8080${path}`
      results.push(
        await fixture
          .node()
          .exec(main(found.get(from)!)!.containerID!, ['/bin/busybox', ...client, url])
          .then(
            () => undefined,
            (error: Error) => error.message,
          ),
      )
    }
    return results
  }
  const until = (want: readonly boolean[]) => {
    let last: readonly (string | undefined)[] = []
    return waitFor(
      async () => {
        last = await refusals()
        return last.every((refused, i) => (refused === undefined) === want[i])
      },
      {
        deadlineMs: 60_000,
        intervalMs: 500,
        describe: () =>
          connections
            .filter((_, i) => (last[i] === undefined) !== want[i])
            .map(
              connection =>
                `${connection.from} to ${connection.to}: ${last[connections.indexOf(connection)] ?? 'through'}`,
            )
            .join('\n'),
      },
    )
  }
  const install = async (enabled: boolean) => {
    const slices = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices'
    const { ports } = await api
      .client()
      .get<{ ports: { port: number }[] }>(`${slices}/kubernetes-${fixture.node().name}`)
    await release.upgrade(chartFolder, {
      operator: { replicas: 1, image: { registry: 'ekya.dev', tag: 'test', pullPolicy: 'Never' } },
      worker: { image: { registry: 'ekya.dev', tag: 'test' } },
      storage: { type: 'hostPath', hostPath: { path: join(folder, 'storage') } },
      networkPolicy: {
        enabled,
        from: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } } }],
        // Of what the Service of the API server leads to here.
        apiServerPorts: ports.map(({ port }) => port),
      },
    })
  }
  const resource = (plural: string) => `/apis/${apiVersion}/namespaces/${api.namespace()}/${plural}`
  const untilServed = (since: string) => {
    let last: CameraStream['status']
    return waitFor(
      async () => {
        last = (await api.client().get<CameraStream>(`${resource('camerastreams')}/cam`)).status
        const ready = last?.conditions?.find(({ type }) => type === 'Ready')
        const { frames } = last ?? {}
        return ready?.status === 'True' && (frames?.offered ?? 0) > 0 && JSON.stringify(frames) !== since
          ? JSON.stringify(frames)
          : undefined
      },
      {
        deadlineMs: 90_000,
        intervalMs: 200,
        describe: () => `the stream to be served: ${JSON.stringify(last)}`,
      },
    )
  }

  it('let everybody reach everybody while they are off', async () => {
    await install(false)
    await api.client().post(resource('camerastreams'), {
      ...{ apiVersion, kind: 'CameraStream', metadata: { name: 'cam', labels: { site: 'a' } } },
      spec: {
        source: { scene: { seed: 1 } },
        classes: sceneClasses,
        model: { uri: 'initial/student.onnx' },
      },
    })
    await api.client().post(resource('retrainingwindows'), {
      ...{ apiVersion, kind: 'RetrainingWindow', metadata: { name: 'site' } },
      spec: { streamSelector: { matchLabels: { site: 'a' } }, duration: '600s' },
    })
    await untilServed('')
    await until(connections.map(() => true))
  })

  it('let through what a release needs, and refuse the rest', async () => {
    await install(true)
    await until(connections.map(({ allowed }) => allowed))
  })

  it('let an operator that starts behind them become ready and hear of its workers', async () => {
    const before = (await api.client().get<CameraStream>(`${resource('camerastreams')}/cam`)).status?.frames
    const old = (await pods()).get('operator')!
    await api.client().delete(`/api/v1/namespaces/${api.namespace()}/pods/${old.metadata.name}`)
    await waitFor(
      async () => {
        const pod = (await pods()).get('operator')
        const ready = pod?.status?.conditions?.find(({ type }) => type === 'Ready')?.status
        return pod?.metadata.uid !== old.metadata.uid && ready === 'True'
      },
      { deadlineMs: 60_000, describe: 'another operator to be ready' },
    )
    await untilServed(JSON.stringify(before))
    await until(connections.map(({ allowed }) => allowed))
  })
})
