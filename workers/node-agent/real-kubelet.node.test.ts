import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { freePorts } from '../../hack/control-plane/ports.ts'
import { shell } from '../../hack/node/scratch-image.ts'
import { useRealNode } from '../../hack/node/testing/node-fixture.ts'
import { useApiServer, waitFor } from '../../hack/testing/api-server.ts'
import { type GpuRecord, gpuInventoryAnnotation } from '../../operator/api/gpu-inventory.ts'
import { AgentProcess } from './testing/agent-process.ts'
import { DriverStandIns, standInUuid as uuid } from './testing/driver-stand-ins.ts'
import { type Pod, SharePods } from './testing/share-pods.ts'

const resource = 'ekya.dev/gpu0-share'
const image = 'ekya.dev/test-shell:1'
/** A shell as process 1 hears signals only if it says so. */
const waiting = { image, command: ['sh', '-c', 'trap exit TERM; while :; do sleep 1 & wait $!; done'] }
const deadlineMs = 120_000

describe('the device plugin on a real kubelet, with recorded stand-ins of nvidia-smi and nvidia-cuda-mps-control', function () {
  this.timeout(10 * 60_000)
  const api = useApiServer()
  const fixture = useRealNode(api, { maximumPods: 80 })
  let driver: DriverStandIns
  let agent: AgentProcess
  let pods: SharePods

  const agentOf = async (of: DriverStandIns, more: readonly string[] = []) => {
    const [port] = await freePorts(1)
    return new AgentProcess({
      kubeconfig: api.kubeconfig(),
      nodeName: fixture.node().name,
      driver: of,
      port: port!,
      more: ['--device-plugin-folder', join(fixture.node().kubeletFolder, 'device-plugins'), ...more],
    })
  }
  before(async () => {
    await fixture.node().importScratchImage(shell(image))
    pods = new SharePods(api.client(), api.namespace(), resource)
    driver = new DriverStandIns()
    agent = await agentOf(driver)
    agent.start()
    await untilAllocatable(200)
  })
  after(async () => {
    await agent?.end('SIGTERM')
    driver?.remove()
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
  const read = () => api.client().get<Node>(`/api/v1/nodes/${fixture.node().name}`)
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
  const restartKubelet = async (signal: 'TERM' | 'KILL') => {
    // The node's processes are its own, so that no other kubelet of this machine is meant.
    if (signal === 'KILL') await fixture.node().run(['pkill', '-KILL', '-x', 'kubelet'])
    await fixture.node().restartKubelet()
  }
  const hold = async (name: string, units: number) => {
    await pods.create(name, units, waiting)
    await runs(name)
    return identity(await pods.get(name))
  }
  const identity = ({ metadata, status }: Pod) => ({
    uid: metadata.uid,
    container: status?.containerStatuses?.[0]?.containerID,
    restarts: status?.containerStatuses?.[0]?.restartCount,
    phase: status?.phase,
  })
  /** Units that somebody holds by kubelet's own book. */
  const inKubeletsBook = (): number => {
    const checkpoint = join(fixture.node().kubeletFolder, 'device-plugins/kubelet_internal_checkpoint')
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
      const command = ['sh', '-c', report]
      await pods.create(name, 30, { image, command, ...(env ? { env } : {}) })
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
    await pods.create('many', 180, waiting)
    await pends('many')
    await pods.delete('thirty')
    await runs('many')
  })

  for (const signal of ['TERM', 'KILL'] as const)
    it(`survives a kubelet that ends by SIG${signal} and starts again`, async () => {
      const before = await hold('thirty', 30)
      const registrations = await count('ekya_gpu_plugin_registrations_total{gpu="0",')
      await restartKubelet(signal)
      await waitFor(
        async () => (await count('ekya_gpu_plugin_registrations_total{gpu="0",')) > registrations,
        { deadlineMs, describe: 'the plugin to register again' },
      )
      await untilAllocatable(200)
      await pods.create('many', 180, waiting)
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
      await pods.create('later', 20, waiting)
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
    await pods.create('later', 20, waiting)
    await pends('later')
    expect(identity(await pods.get('thirty'))).to.deep.equal(before)
    driver.disconnect(uuid, 479)
    await untilAllocatable(200)
    await runs('later')
    expect(await gpu()).to.include({ state: 'ready' })
  })

  it('starts the MPS daemon again when that dies (stand-in), and gives units then', async () => {
    const pid = driver.daemonPid(uuid)
    process.kill(pid, 'SIGKILL')
    await waitFor(() => driver.daemonPid(uuid) !== pid, { deadlineMs, describe: 'another daemon' })
    await waitFor(async () => (await gpu()).state === 'ready', { deadlineMs })
    await untilAllocatable(200)
    await hold('twenty', 20)
  })

  it('leaks no unit over 50 pods created and deleted', async () => {
    const names = Array.from({ length: 50 }, (_, i) => `pod-${i}`)
    // Ten at a time fill the GPU.
    for (let first = 0; first < names.length; first += 10) {
      const wave = names.slice(first, first + 10)
      await Promise.all(wave.map(name => pods.create(name, 20, waiting)))
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
    const second = await agentOf(other, ['--allocation', 'node-status'])
    // One agent a node: they would overwrite each other's inventory.
    await agent.end('SIGTERM')
    second.start()
    try {
      const units = async () => (await read()).status.allocatable['ekya.dev/gpu1-share']
      await waitFor(async () => (await units()) === '200', { deadlineMs, describe: 'units of GPU 1' })
      await restartKubelet('KILL')
      const onGpu1 = new SharePods(api.client(), api.namespace(), 'ekya.dev/gpu1-share')
      await onGpu1.create('thirty', 30, waiting)
      await runs('thirty')
      await onGpu1.create('many', 180, waiting)
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
