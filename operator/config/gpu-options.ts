/** Options of `ekya operator` for real GPUs: how their shares are enforced, and what their pods get beside a share. */
import { type GpuBackendName, gpuBackendNames } from '../sharing/gpu-options.ts'
import { define } from './option.ts'
import { oneOf, parseCount, parseCpu, parseMemory, parseName, parseResource } from './values.ts'

export const gpuOptions = {
  gpuBackend: define<GpuBackendName>({
    flag: 'gpu-backend',
    value: 'NAME',
    description: `what shares GPU nodes without the label ekya.dev/sharing-backend: ${gpuBackendNames.join(', ')}`,
    accepted: gpuBackendNames.join(', '),
    default: 'mps',
    parse: oneOf(gpuBackendNames),
  }),
  gpuRuntimeClass: define<string>({
    flag: 'gpu-runtime-class',
    value: 'NAME',
    description: "RuntimeClass of pods on GPUs (mps, kai); none: the node's own runtime knows GPUs",
    accepted: "none, or the name of a RuntimeClass (lower-case letters, digits, '-' and '.')",
    default: 'nvidia',
    parse: parseName,
  }),
  gpuPodCpu: define<string>({
    flag: 'gpu-pod-cpu',
    value: 'QUANTITY',
    description: 'cpu of each pod on a GPU, request and limit',
    accepted: 'a cpu quantity above 0, such as 1 or 500m',
    default: '1',
    parse: parseCpu,
  }),
  gpuPodMemory: define<string>({
    flag: 'gpu-pod-memory',
    value: 'QUANTITY',
    description: "the node's memory for each pod on a GPU, request and limit",
    accepted: 'a memory quantity above 0, such as 2Gi',
    default: '2Gi',
    parse: parseMemory,
  }),
  unitsResource: define<string>({
    flag: 'units-resource',
    value: 'NAME',
    description: 'extended resource of the units backend',
    accepted: 'the name of an extended resource, such as nvidia.com/gpu',
    default: 'nvidia.com/gpu',
    parse: parseResource,
  }),
  unitsPerGpu: define<number>({
    flag: 'units-per-gpu',
    value: 'NUMBER',
    description:
      "units that a GPU has with the units backend (default: the node's label ekya.dev/units-per-gpu, or GKE's)",
    accepted: 'an integer from 3 to 1000',
    parse: parseCount(3, 1000),
  }),
  slicesResource: define<string>({
    flag: 'slices-resource',
    value: 'NAME',
    description: 'extended resource of the nvidia-slices backend',
    accepted: 'the name of an extended resource, such as nvidia.com/gpu.shared',
    default: 'nvidia.com/gpu.shared',
    parse: parseResource,
  }),
  slicesPerGpu: define<number>({
    flag: 'slices-per-gpu',
    value: 'NUMBER',
    description:
      "slices that a GPU has with the nvidia-slices backend (default: the node's label ekya.dev/slices-per-gpu, or NVIDIA's)",
    accepted: 'an integer from 2 to 48',
    parse: parseCount(2, 48),
  }),
  kaiQueue: define<string>({
    flag: 'kai-queue',
    value: 'NAME',
    description: "queue of KAI's scheduler for the kai backend, which needs one",
    accepted: "the name of a queue (lower-case letters, digits, '-' and '.')",
    parse: parseName,
  }),
} as const
