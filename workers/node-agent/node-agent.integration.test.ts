import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { metricsIn, nodeAgentMetrics } from '../../hack/chart/testing/metrics-in.ts'
import { useApiServer, waitFor } from '../../hack/testing/api-server.ts'
import { type GpuInventory, gpuInventoryAnnotation } from '../../operator/api/gpu-inventory.ts'
import { createTransport } from '../../operator/kube/transport.ts'
import { endingPods } from './ending-pods.ts'
import { runNodeAgent } from './main.ts'
import type { NodeAgentOptions } from './options.ts'
import { DriverStandIns, standInUuid as uuid } from './testing/driver-stand-ins.ts'
import { KubeletSide } from './testing/kubelet-side.ts'

interface Node {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly annotations?: Record<string, string> }
  readonly status?: { readonly capacity?: Record<string, string> }
}

const resource = 'ekya.dev/gpu0-share'

describe('the node agent on a real API server, with recorded stand-ins of the driver and kubelet’s side of the API', () => {
  const api = useApiServer()
  let driver: DriverStandIns
  let kubelet: KubeletSide
  let folder: string
  let nodes = 0
  let name: string
  let ending: AbortController
  let running: Promise<void> | undefined
  let port: number

  beforeEach(async () => {
    driver = new DriverStandIns()
    kubelet = new KubeletSide()
    await kubelet.start()
    folder = mkdtempSync(join(tmpdir(), 'ekya-agent-'))
    name = `${api.namespace()}-${nodes++}`
    await api.client().post('/api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name } })
  })
  afterEach(async () => {
    await end()
    kubelet.remove()
    driver.remove()
    rmSync(folder, { recursive: true })
    await api.client().delete(`/api/v1/nodes/${name}`)
  })

  const node = () => api.client().get<Node>(`/api/v1/nodes/${name}`)
  const inventory = async (): Promise<GpuInventory | undefined> => {
    const text = (await node()).metadata.annotations?.[gpuInventoryAnnotation]
    return text === undefined ? undefined : JSON.parse(text)
  }
  const state = async () => (await inventory())?.gpus[0]?.state
  const begin = async (changes: Partial<NodeAgentOptions> = {}) => {
    ending = new AbortController()
    const listening = Promise.withResolvers<number>()
    running = runNodeAgent(
      {
        kubeconfig: api.kubeconfig(),
        nodeName: name,
        allocation: 'device-plugin',
        devicePluginFolder: kubelet.folder,
        mpsFolder: driver.mpsFolder,
        shmFolder: undefined,
        exclusiveMode: true,
        besideOtherPlugins: false,
        oldestDriver: 550,
        measureCurve: false,
        curveModel: undefined,
        curveFolder: join(folder, 'curves'),
        nvidiaSmi: driver.nvidiaSmi,
        mpsControl: driver.mpsControl,
        intervalSeconds: 1,
        http: { host: '127.0.0.1', port: 0 },
        logLevel: 'silent',
        ...changes,
      },
      ending.signal,
      listening.resolve,
    )
    port = await Promise.race([listening.promise, running.then(() => 0)])
  }
  const end = async () => {
    ending?.abort()
    await running
    running = undefined
  }
  const get = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`)
    return { status: response.status, body: await response.text() }
  }
  const until = (condition: () => Promise<boolean>, describe: string) =>
    waitFor(condition, { deadlineMs: 20_000, describe })

  it('shares the GPU, follows a FAULT and a new kubelet, and takes everything back at its end', async function () {
    this.timeout(60_000)
    await begin()
    await until(async () => (await get('/readyz')).status === 200, 'readiness')
    expect(await inventory()).to.deep.include({
      version: 1,
      allocation: 'device-plugin',
      driver: '580.159.04',
    })
    expect(await state()).to.equal('ready')
    expect(driver.computeMode(uuid)).to.equal('Exclusive_Process')
    await waitFor(() => kubelet.healthy(resource) === 200)

    driver.connect(uuid, process.pid)
    driver.fault(uuid)
    await until(async () => (await state()) === 'fault', 'the fault in the inventory')
    await waitFor(() => kubelet.healthy(resource) === 0)
    driver.disconnect(uuid, process.pid)
    await until(async () => (await state()) === 'ready', 'the recovery in the inventory')
    await waitFor(() => kubelet.healthy(resource) === 200)

    await kubelet.restart()
    await waitFor(() => kubelet.healthy(resource) === 200)

    const of = `node="${name}"`
    driver.connect(uuid, process.pid)
    driver.setState('apps', `${uuid}, ${process.pid}, 678 MiB\n`)
    await until(
      async () => (await get('/metrics')).body.includes(`ekya_gpu_mps_clients{gpu="0",${of}} 1`),
      'a client',
    )
    const { body } = await get('/metrics')
    expect(body).to.include(
      `ekya_gpu_info{gpu="0",uuid="${uuid}",model="NVIDIA H100 80GB HBM3",driver="580.159.04",${of}} 1`,
    )
    expect(body).to.include(`ekya_gpu_state{gpu="0",state="ready",${of}} 1`)
    expect(body).to.include(`ekya_gpu_mps_faults_total{gpu="0",${of}} 1`)
    expect(body).to.include(`ekya_gpu_plugin_registrations_total{gpu="0",${of}} 2`)
    expect(body).to.include(`ekya_gpu_client_share{gpu="0",pid="${process.pid}",pod_uid="",${of}} 1`)
    expect(body).to.include(
      `ekya_gpu_client_memory_bytes{gpu="0",pid="${process.pid}",pod_uid="",${of}} ${678 * 2 ** 20}`,
    )

    const chart = new URL('../../charts/ekya/files/', import.meta.url)
    const asked = ['alerts.yaml', 'dashboard.json'].flatMap(file =>
      metricsIn(readFileSync(new URL(file, chart), 'utf8')).filter(metric => nodeAgentMetrics().has(metric)),
    )
    expect(asked).to.include.members(['ekya_gpu_mps_faults_total', 'ekya_gpu_state'])
    for (const metric of asked)
      expect(body, 'alerts and dashboard ask for it').to.match(new RegExp(`^${metric}{`, 'm'))

    const daemon = driver.daemonPid(uuid)
    await end()
    await waitFor(() => kubelet.healthy(resource) === 0)
    expect(() => process.kill(daemon, 0)).to.throw(/ESRCH/)
    expect(driver.computeMode(uuid)).to.equal('Default')
  })

  it('advertises units in the Node’s status where there is no device plugin', async function () {
    this.timeout(60_000)
    await begin({ allocation: 'node-status' })
    const capacity = async () => (await node()).status?.capacity?.[resource]
    await until(async () => (await capacity()) === '200', 'the capacity')
    await api
      .client()
      .patch(`/api/v1/nodes/${name}/status`, 'merge', { status: { capacity: { [resource]: null } } })
    await until(async () => (await capacity()) === '200', 'the capacity once more')
    expect(kubelet.registrations).to.deep.equal([])
    expect((await inventory())?.allocation).to.equal('node-status')
  })

  it('finds our pods here that are being deleted, and none else', async function () {
    this.timeout(60_000)
    const make = (pod: string, labels: Record<string, string>, nodeName = name) =>
      api.client().post<{ metadata: { uid: string } }>(`/api/v1/namespaces/${api.namespace()}/pods`, {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: pod, labels },
        spec: {
          nodeName,
          terminationGracePeriodSeconds: 30,
          containers: [{ name: 'worker', image: 'none' }],
        },
      })
    const ours = { 'app.kubernetes.io/managed-by': 'ekya-operator' }
    const { uid } = (await make('ours', ours)).metadata
    await make('stays', ours)
    await make('not-ours', {})
    await make('elsewhere', ours, 'another-node')
    for (const pod of ['ours', 'not-ours', 'elsewhere'])
      await api.client().delete(`/api/v1/namespaces/${api.namespace()}/pods/${pod}`)
    const transport = createTransport({ kubeconfig: api.kubeconfig() })
    try {
      const found = await endingPods(transport, name)
      expect(found).to.deep.equal([{ uid, graceSeconds: 30 }])
    } finally {
      await transport.close()
    }
  })
})
