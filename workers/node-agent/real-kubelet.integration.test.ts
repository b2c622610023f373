import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { ApiClient } from '../../hack/control-plane/api-client.ts'
import { freePorts } from '../../hack/control-plane/ports.ts'
import { waitFor } from '../../hack/testing/wait-for.ts'
import { type GpuRecord, gpuInventoryAnnotation } from '../../operator/api/gpu-inventory.ts'
import { AgentProcess } from './testing/agent-process.ts'
import { DriverStandIns, standInUuid as uuid } from './testing/driver-stand-ins.ts'
import { type RealNode, realNode, realNodeVariable } from './testing/real-node.ts'
import { type Pod, SharePods } from './testing/share-pods.ts'

const resource = 'ekya.dev/gpu0-share'
const deadlineMs = 90_000

/** kubelet's own book of who holds what. */
const checkpoint = '/var/lib/kubelet/device-plugins/kubelet_internal_checkpoint'

describe('the device plugin on a real kubelet, with recorded stand-ins of nvidia-smi and nvidia-cuda-mps-control', function () {
  this.timeout(5 * 60_000)
  let node: RealNode
  let client: ApiClient
  let driver: DriverStandIns
  let agent: AgentProcess
  let pods: SharePods
  let namespace: string

  before(async function () {
    const named = realNode()
    if (named === undefined) {
      process.stderr.write(`  no node with a real kubelet: ${realNodeVariable} names none\n`)
      this.skip()
    }
    node = named
    client = await ApiClient.fromKubeconfig(node.kubeconfig)
    namespace = `shares-${randomBytes(4).toString('hex')}`
    await client.post('/api/v1/namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: namespace },
    })
    await waitFor(() => client.exists(`/api/v1/namespaces/${namespace}/serviceaccounts/default`), {
      deadlineMs,
    })
    pods = new SharePods(client, namespace, resource)
    driver = new DriverStandIns()
    const [port] = await freePorts(1)
    agent = new AgentProcess({ kubeconfig: node.kubeconfig, nodeName: node.nodeName, driver, port: port! })
    agent.start()
    await untilAllocatable(200)
  })
  after(async () => {
    await agent?.end('SIGTERM')
    driver?.remove()
    await client?.delete(`/api/v1/namespaces/${namespace}`)
    client?.close()
  })
  afterEach(async () => {
    for (const { metadata } of await pods.list()) await pods.delete(metadata.name)
    await waitFor(async () => (await pods.list()).length === 0, {
      deadlineMs,
      describe: 'all pods to be gone',
    })
  })

  interface Node {
    readonly metadata: { readonly annotations?: Readonly<Record<string, string>> }
    readonly status: {
      readonly capacity: Readonly<Record<string, string>>
      readonly allocatable: Readonly<Record<string, string>>
    }
  }
  const read = () => client.get<Node>(`/api/v1/nodes/${node.nodeName}`)
  const untilAllocatable = (units: number) =>
    waitFor(async () => (await read()).status.allocatable[resource] === String(units), {
      deadlineMs,
      describe: () => `${units} units to be allocatable; the agent said:\n${agent.output.slice(-2000)}`,
    })
  const gpu = async (): Promise<GpuRecord> =>
    JSON.parse((await read()).metadata.annotations![gpuInventoryAnnotation]!).gpus[0]
  const runs = (name: string) =>
    waitFor(async () => (await pods.phase(name)) === 'Running', {
      deadlineMs,
      describe: () => `pod ${name} to run`,
    })
  const pends = async (name: string) => {
    const why = await waitFor(() => pods.unschedulable(name), {
      deadlineMs,
      describe: `${name} to be refused`,
    })
    expect(why).to.include(`Insufficient ${resource}`)
    expect(await pods.phase(name)).to.equal('Pending')
  }
  const hold = async (name: string, units: number) => {
    await pods.create(name, units, { image: node.pause })
    await runs(name)
    return identity(await pods.get(name))
  }
  const identity = ({ metadata, status }: Pod) => ({
    uid: metadata.uid,
    container: status?.containerStatuses?.[0]?.containerID,
    restarts: status?.containerStatuses?.[0]?.restartCount,
    phase: status?.phase,
  })
  const inKubeletsBook = (): number => {
    const { Data } = JSON.parse(readFileSync(checkpoint, 'utf8'))
    return (Data.PodDeviceEntries ?? [])
      .filter((entry: { ResourceName: string }) => entry.ResourceName === resource)
      .flatMap((entry: { DeviceIDs: Record<string, string[]> }) => Object.values(entry.DeviceIDs).flat())
      .length
  }

  it('advertises 200 units and publishes the GPU', async () => {
    const { status } = await read()
    expect(status.capacity[resource]).to.equal('200')
    expect(await gpu()).to.include({
      uuid,
      state: 'ready',
      model: 'NVIDIA H100 80GB HBM3',
      memoryMiB: 81_559,
    })
    expect((await agent.get('/readyz')).status).to.equal(200)
  })

  it('gives a pod with limit 30 its environment and mounts, and lets the pod’s own memory limit win', async () => {
    const report =
      '{ export -p; while read -r line; do case $line in */run/ekya/mps*) echo "$line";; esac; done < /proc/self/mountinfo; } > /dev/termination-log'
    const told = async (name: string, env?: readonly { name: string; value: string }[]) => {
      const command = ['/bin/sh', '-c', report]
      await pods.create(name, 30, { image: node.image, command, ...(env ? { env } : {}) })
      return waitFor(() => pods.message(name), { deadlineMs, describe: `${name} to report` })
    }
    const message = await told('plain')
    for (const line of [
      `NVIDIA_VISIBLE_DEVICES='${uuid}'`,
      "CUDA_MPS_PIPE_DIRECTORY='/run/ekya/mps'",
      "CUDA_MPS_ACTIVE_THREAD_PERCENTAGE='30'",
      "CUDA_MPS_PINNED_DEVICE_MEM_LIMIT='0=12080M'",
    ])
      expect(message).to.include(line)
    expect(message)
      .to.include(driver.pipeDirectory(uuid))
      .and.to.match(/ \/run\/ekya\/mps /)
    const own = await told('own', [{ name: 'CUDA_MPS_PINNED_DEVICE_MEM_LIMIT', value: '0=3072M' }])
    expect(own).to.include("CUDA_MPS_PINNED_DEVICE_MEM_LIMIT='0=3072M'")
    expect(own).to.include("CUDA_MPS_ACTIVE_THREAD_PERCENTAGE='30'")
  })

  it('leaves a pod with 180 pending beside one with 30, until that has gone', async () => {
    await hold('thirty', 30)
    await pods.create('many', 180, { image: node.pause })
    await pends('many')
    await pods.delete('thirty')
    await runs('many')
  })

  for (const signal of ['TERM', 'KILL'] as const)
    it(`survives a kubelet that ends by SIG${signal} and starts again`, async () => {
      const before = await hold('thirty', 30)
      const registrations = await count('ekya_gpu_plugin_registrations_total{gpu="0"}')
      node.stopKubelet(signal)
      node.startKubelet()
      await waitFor(
        async () => (await count('ekya_gpu_plugin_registrations_total{gpu="0"}')) > registrations,
        { deadlineMs, describe: 'the plugin to register again' },
      )
      await untilAllocatable(200)
      await pods.create('many', 180, { image: node.pause })
      await pends('many')
      await hold('twenty', 20)
      expect(identity(await pods.get('thirty'))).to.deep.equal(before)
      expect(inKubeletsBook()).to.equal(50)
    })

  for (const signal of ['SIGTERM', 'SIGKILL'] as const)
    it(`takes its units back when the agent ends by ${signal}, keeps the pod, and goes on with the next agent`, async () => {
      const before = await hold('thirty', 30)
      const daemon = driver.daemonPid(uuid)
      await agent.end(signal)
      await untilAllocatable(0)
      await pods.create('later', 20, { image: node.pause })
      await pends('later')
      agent.start()
      await untilAllocatable(200)
      await runs('later')
      expect(identity(await pods.get('thirty'))).to.deep.equal(before)
      await waitFor(async () => (await gpu()).state === 'ready', { deadlineMs })
      // A daemon that outlived its agent is taken over: its end would be that of its clients.
      expect(driver.daemonPid(uuid) === daemon).to.equal(signal === 'SIGKILL')
    })

  it('gives no units while the MPS server is in FAULT (stand-in), and gives them again once its clients have gone', async () => {
    const before = await hold('thirty', 30)
    driver.connect(uuid, 479)
    driver.fault(uuid)
    await untilAllocatable(0)
    expect((await read()).status.capacity[resource]).to.equal('200')
    expect(await gpu()).to.include({ state: 'fault' })
    await pods.create('later', 20, { image: node.pause })
    await pends('later')
    expect(identity(await pods.get('thirty'))).to.deep.equal(before)
    driver.disconnect(uuid, 479)
    await untilAllocatable(200)
    await runs('later')
    expect(await gpu()).to.include({ state: 'ready' })
  })

  it('starts the MPS daemon again when that dies (stand-in), without units meanwhile', async () => {
    process.kill(driver.daemonPid(uuid), 'SIGKILL')
    await waitFor(async () => (await gpu()).state === 'unusable', { deadlineMs, intervalMs: 50 })
    await waitFor(async () => (await gpu()).state === 'ready', { deadlineMs })
    await untilAllocatable(200)
  })

  it('leaks no unit over 50 pods created and deleted', async () => {
    const names = Array.from({ length: 50 }, (_, i) => `pod-${i}`)
    // Ten at a time fill the GPU.
    for (let first = 0; first < names.length; first += 10) {
      const wave = names.slice(first, first + 10)
      await Promise.all(wave.map(name => pods.create(name, 20, { image: node.pause })))
      await Promise.all(wave.map(runs))
      expect(inKubeletsBook()).to.equal(200)
      await Promise.all(wave.map(name => pods.delete(name)))
      await Promise.all(wave.map(name => waitFor(() => pods.isGone(name), { deadlineMs, describe: name })))
    }
    await hold('all', 200)
    expect(inKubeletsBook()).to.equal(200)
    await pods.delete('all')
    await waitFor(() => pods.isGone('all'), { deadlineMs })
    await hold('one', 1)
    expect(inKubeletsBook()).to.equal(1)
  })

  it('advertises units without a device plugin too, and again after kubelet has started anew', async () => {
    const other = new DriverStandIns([{ index: 1, uuid: 'GPU-00000000-0000-4000-8000-000000000001' }])
    const [port] = await freePorts(1)
    const second = new AgentProcess({
      ...{ kubeconfig: node.kubeconfig, nodeName: node.nodeName, driver: other, port: port! },
      more: ['--allocation', 'node-status'],
    })
    // One agent a node: they would overwrite each other's inventory.
    await agent.end('SIGTERM')
    second.start()
    try {
      const units = async () => (await read()).status.allocatable['ekya.dev/gpu1-share']
      await waitFor(async () => (await units()) === '200', { deadlineMs, describe: 'units of GPU 1' })
      node.stopKubelet('KILL')
      node.startKubelet()
      const onGpu1 = new SharePods(client, namespace, 'ekya.dev/gpu1-share')
      await onGpu1.create('thirty', 30, { image: node.pause })
      await runs('thirty')
      await onGpu1.create('many', 180, { image: node.pause })
      const why = await waitFor(() => pods.unschedulable('many'), { deadlineMs })
      expect(why).to.include('Insufficient ekya.dev/gpu1-share')
      expect(await units()).to.equal('200')
    } finally {
      await second.end('SIGTERM')
      other.remove()
      agent.start()
    }
    await untilAllocatable(200)
  })

  const count = async (series: string): Promise<number> => {
    const line = (await agent.get('/metrics')).body.split('\n').find(each => each.startsWith(series))
    return Number(line?.split(' ').at(-1) ?? 0)
  }
})
