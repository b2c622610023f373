import { expect } from 'chai'
import { expectGolden } from '../../hack/testing/golden.ts'
import type { RawPod } from '../sharing/backend.ts'
import { inventory, mpsNode } from '../sharing/testing/gpu-nodes.ts'
import { backends, gpuOf, gpuPod, nodes, roles, shapeOf } from './testing/gpu-pods.ts'

interface Pod {
  readonly spec: {
    readonly containers: readonly { readonly env: readonly { name: string; value?: string }[] }[]
  }
}

describe('pods on GPUs', () => {
  for (const [name, node] of Object.entries(nodes))
    for (const role of roles)
      it(`of ${name} for ${role} are as written down`, () =>
        expectGolden(new URL(`./golden/${name}-${role}.yaml`, import.meta.url), shapeOf(gpuPod(node, role))))

  for (const [name, node] of Object.entries(nodes))
    for (const role of roles)
      it(`of ${name} for ${role} count what they were planned with`, () => {
        const gpu = gpuOf(node)
        const backend = backends.of(gpu)
        if (backend.resizes !== 'replace') throw new Error(`${backend.name} resizes ${backend.resizes}`)
        const pod = gpuPod(node, role) as RawPod
        const share = Math.min(role === 'inference' ? 0.3 : 0.45, gpu.largestShare ?? 1)
        expect(backend.amountOf(pod, gpu)).to.deep.equal(backend.amount(share, gpu))
        expect(backend.read(pod, gpu).actual).to.be.closeTo(share, 1 / gpu.facts!.steadyUnits)
      })

  const limit = (allocation: 'device-plugin' | 'node-status', memory?: string) => {
    const { spec } = gpuPod(mpsNode(inventory(allocation)), 'inference', memory) as unknown as Pod
    return spec.containers[0]!.env.find(each => each.name === 'CUDA_MPS_PINNED_DEVICE_MEM_LIMIT')?.value
  }
  for (const { allocation, memory, want } of [
    { allocation: 'node-status', memory: undefined, want: '0=12080M' },
    { allocation: 'node-status', memory: '3Gi', want: '0=3072M' },
    { allocation: 'device-plugin', memory: undefined, want: undefined },
    { allocation: 'device-plugin', memory: '3Gi', want: '0=3072M' },
  ] as const)
    it(`limit device memory by ${allocation} to ${want ?? 'what the plugin says'} where ${memory ?? 'nothing'} is asked for`, () =>
      expect(limit(allocation, memory)).to.equal(want))
})
