import { expect } from 'chai'
import { type Pod, podSnapshot } from '../../cluster/pod.ts'
import { inventory, mpsNode } from '../../sharing/testing/gpu-nodes.ts'
import { backends, gpuOf, gpuPod } from '../testing/gpu-pods.ts'
import { shareProblems } from './share-problems.ts'

const node = mpsNode(inventory('node-status'))
const gpus = [gpuOf(node)]
const pod = (percentage: string): Pod =>
  JSON.parse(JSON.stringify(gpuPod(node, 'inference')), (_key, value) =>
    value?.name === 'CUDA_MPS_ACTIVE_THREAD_PERCENTAGE' ? { ...value, value: percentage } : value,
  )
const problems = (percentage: string, gpusOfSite = gpus) =>
  shareProblems({ gpus: gpusOfSite, pods: [podSnapshot(pod(percentage))!] }, backends)

describe('shareProblems', () => {
  it('has nothing to say of a pod as it was made', () => expect(problems('30')).to.deep.equal([]))

  it('tells of a pod whose share somebody raised', () =>
    expect(problems('100')).to.deep.equal([
      {
        type: 'Warning',
        reason: 'ShareMismatch',
        message:
          'cam-0-inference: CUDA_MPS_ACTIVE_THREAD_PERCENTAGE is 100 in the pod; accepted: 30, as many as it has units of the GPU',
        stream: 'cam-0',
      },
    ]))

  it('leaves pods of other GPUs alone', () =>
    expect(problems('100', [{ ...gpus[0]!, gpu: '1' }])).to.deep.equal([]))
})
