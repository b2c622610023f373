import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { waitFor } from '../../../hack/testing/wait-for.ts'
import { type Clock, systemClock } from '../../../operator/kube/clock.ts'
import { KubeletSide } from '../testing/kubelet-side.ts'
import { SharePlugin } from './share-plugin.ts'

const resource = 'ekya.dev/gpu0-share'
const gpu = {
  index: 0,
  uuid: 'GPU-2417f491-2523-4903-39b8-67b5cf1f4193',
  memoryMiB: 81_559,
  pipeDirectory: '/run/ekya/mps/GPU-2417f491-2523-4903-39b8-67b5cf1f4193',
}
const unit = (n: number) => `${gpu.uuid}-${String(n).padStart(3, '0')}`
const units = (count: number, from = 0) => Array.from({ length: count }, (_, i) => unit(from + i))

describe('SharePlugin, against the kubelet side of the API on real sockets', () => {
  let kubelet: KubeletSide
  let plugin: SharePlugin
  let allocated: number[]
  let skippedMs: number
  const clock: Clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + skippedMs }

  beforeEach(async () => {
    kubelet = new KubeletSide()
    allocated = []
    skippedMs = 0
    plugin = new SharePlugin({
      folder: kubelet.folder,
      resource,
      gpu,
      clock,
      onAllocate: count => allocated.push(count),
    })
    await kubelet.start()
  })
  afterEach(async () => {
    await plugin.stop()
    kubelet.remove()
  })

  const registered = async (healthy = true) => {
    plugin.setHealthy(healthy)
    await plugin.check()
    expect(plugin.problem).to.equal(undefined)
    await waitFor(() => kubelet.devices.get(resource)?.length === 200)
  }

  it('registers once, and tells of 200 units', async () => {
    await registered()
    await plugin.check()
    expect(kubelet.registrations).to.deep.equal([
      {
        version: 'v1beta1',
        endpoint: 'ekya-gpu0-share.sock',
        resource_name: resource,
        options: { pre_start_required: false, get_preferred_allocation_available: true },
      },
    ])
    expect(await kubelet.options(resource)).to.deep.equal({
      pre_start_required: false,
      get_preferred_allocation_available: true,
    })
    expect(kubelet.healthy(resource)).to.equal(200)
    expect(new Set(kubelet.devices.get(resource)!.map(({ ID }) => ID)).size).to.equal(200)
    expect(Math.max(...kubelet.devices.get(resource)!.map(({ ID }) => ID.length))).to.be.at.most(63)
  })

  it('gives a container with 30 units the GPU, the daemon, its percentage and its memory', async () => {
    await registered()
    expect(await kubelet.allocate(resource, units(30))).to.deep.equal({
      container_responses: [
        {
          envs: {
            NVIDIA_VISIBLE_DEVICES: gpu.uuid,
            CUDA_MPS_PIPE_DIRECTORY: '/run/ekya/mps',
            CUDA_MPS_ACTIVE_THREAD_PERCENTAGE: '30',
            // 30 of the 200 units that are advertised, of 81559 MiB less 1024.
            CUDA_MPS_PINNED_DEVICE_MEM_LIMIT: '0=12080M',
          },
          mounts: [{ container_path: '/run/ekya/mps', host_path: gpu.pipeDirectory, read_only: false }],
        },
      ],
    })
    expect(allocated).to.deep.equal([30])
  })

  it('gives no more than the whole GPU', async () => {
    await registered()
    const [{ envs } = { envs: {} }] = (await kubelet.allocate(resource, units(150))).container_responses
    expect(envs).to.include({ CUDA_MPS_ACTIVE_THREAD_PERCENTAGE: '100' })
  })

  for (const { name, ids } of [
    { name: 'units of another GPU', ids: ['GPU-other-000'] },
    { name: 'units beyond the last', ids: [unit(200)] },
    { name: 'nothing', ids: [] },
  ])
    it(`refuses ${name}, and names what it has`, async () => {
      await registered()
      const error = await kubelet.allocate(resource, ids).catch((thrown: Error) => thrown)
      expect(error)
        .to.be.an('error')
        .with.property('message')
        .that.matches(/accepted: GPU-2417.*-000 to .*-199/)
      expect(allocated).to.deep.equal([])
    })

  it('prefers what must be, then the lowest numbers', async () => {
    await registered()
    const { container_responses } = await kubelet.prefer(resource, {
      container_requests: [
        {
          available_deviceIDs: [unit(9), unit(3), unit(5), unit(7)],
          must_include_deviceIDs: [unit(9)],
          allocation_size: 3,
        },
      ],
    })
    expect(container_responses).to.deep.equal([{ deviceIDs: [unit(9), unit(3), unit(5)] }])
  })

  it('tells of its health whenever that changes', async () => {
    await registered(false)
    expect(kubelet.healthy(resource)).to.equal(0)
    plugin.setHealthy(true)
    await waitFor(() => kubelet.healthy(resource) === 200)
    plugin.setHealthy(false)
    await waitFor(() => kubelet.healthy(resource) === 0)
    expect(kubelet.registrations.length).to.equal(1)
  })

  it('registers again with a kubelet that has restarted, with the health of then', async () => {
    await registered()
    await kubelet.restart()
    plugin.setHealthy(false)
    await plugin.check()
    await waitFor(() => kubelet.devices.get(resource)?.length === 200)
    expect(kubelet.healthy(resource)).to.equal(0)
    expect(kubelet.registrations.length).to.equal(2)
  })

  it('registers again when its own socket was taken away', async () => {
    await registered()
    rmSync(join(kubelet.folder, 'ekya-gpu0-share.sock'))
    await plugin.check()
    expect(kubelet.registrations.length).to.equal(2)
    await waitFor(() => kubelet.healthy(resource) === 200)
    await kubelet.allocate(resource, units(1))
  })

  it('registers again when kubelet has not listened for a while', async () => {
    await registered()
    kubelet.hangUp()
    await waitFor(async () => {
      await plugin.check()
      skippedMs += 5000
      return kubelet.registrations.length === 2
    })
    await waitFor(() => kubelet.healthy(resource) === 200)
  })

  it('goes on trying while kubelet is away, and says so', async () => {
    kubelet.stop()
    rmSync(join(kubelet.folder, 'kubelet.sock'), { force: true })
    await plugin.check()
    expect(plugin.problem).to.equal(`${join(kubelet.folder, 'kubelet.sock')} is not there: kubelet is not up`)
    await kubelet.start()
    await registered()
  })

  it('says why kubelet refuses it, and tries again', async () => {
    kubelet.refusal = 'the ResourceName "x" is invalid'
    await plugin.check()
    expect(plugin.problem).to.match(/did not take the device plugin of ekya\.dev\/gpu0-share: .*is invalid/)
    kubelet.refusal = undefined
    await registered()
  })

  it('leaves nothing healthy behind when it stops', async () => {
    await registered()
    await plugin.stop()
    await waitFor(() => kubelet.healthy(resource) === 0)
  })
})
