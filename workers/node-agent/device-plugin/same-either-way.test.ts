/** A pod's share of a GPU is the same whether kubelet hands it out as the device plugin says or the operator writes it into the pod. */
import { expect } from 'chai'
import { gpuPod } from '../../../operator/controllers/testing/gpu-pods.ts'
import { inventory, mpsNode } from '../../../operator/sharing/testing/gpu-nodes.ts'
import { allocate, devicesOf } from './allocation.ts'

interface Pod {
  readonly spec: {
    readonly containers: readonly {
      readonly env: readonly { readonly name: string; readonly value?: string }[]
      readonly resources: { readonly limits: Readonly<Record<string, string>> }
      readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[]
    }[]
    readonly volumes: readonly { readonly name: string; readonly hostPath?: { readonly path: string } }[]
  }
}

const [gpu] = inventory().gpus

/** What the container has in the end: kubelet puts the pod's own variables behind the plugin's. */
function container(
  allocation: 'device-plugin' | 'node-status',
  role: 'inference' | 'training',
  memory?: string,
) {
  const { spec } = gpuPod(mpsNode(inventory(allocation)), role, memory) as unknown as Pod
  const { env, resources, volumeMounts } = spec.containers[0]!
  const own = Object.fromEntries(
    env.filter(({ name }) => name !== 'EKYA_CONFIG').map(each => [each.name, each.value]),
  )
  const mounts = volumeMounts.flatMap(({ name, mountPath }) => {
    const path = spec.volumes.find(volume => volume.name === name)?.hostPath?.path
    return path === undefined ? [] : [[mountPath, path]]
  })
  if (allocation === 'node-status') return { env: own, mounts: Object.fromEntries(mounts) }
  const units = Number(resources.limits['ekya.dev/gpu0-share'])
  const given = allocate(
    gpu!,
    devicesOf(gpu!, true)
      .slice(0, units)
      .map(({ ID }) => ID),
  )
  return {
    env: { ...given.envs, ...own },
    mounts: Object.fromEntries([
      ...mounts,
      ...given.mounts.map(mount => [mount.container_path, mount.host_path]),
    ]),
  }
}

describe('a share of a GPU', () => {
  for (const role of ['inference', 'training'] as const)
    for (const memory of [undefined, '3Gi'])
      it(`is the same either way, for ${role} with ${memory ?? 'no memory asked for'}`, () =>
        expect(container('device-plugin', role, memory)).to.deep.equal(
          container('node-status', role, memory),
        ))
})
