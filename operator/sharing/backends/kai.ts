/**
 * The kai backend, for clusters with NVIDIA's KAI scheduler and its sharing of multiprocessors (`sm-sharing`: an MPS namespace for each
 * container). A share is an annotation; memory goes with it.
 *
 * KAI picks the GPU on the node: nodes with one GPU only. It gives no more than there is, so some of each GPU is kept for pods that take over.
 */
import type { RawNode, ReplacingBackend } from '../backend.ts'
import { gpuBackend, labelledGpus } from '../gpu-backend.ts'
import { advertised, type Inspection, isOlderDriver, labelledFacts, refused } from '../gpu-node.ts'
import type { GpuOptions } from '../gpu-options.ts'
import { spareUnits } from '../gpu-share.ts'
import { workerContainer } from '../worker-container.ts'

const name = 'kai'
const fractionAnnotation = 'gpu-fraction'
const gpuResource = 'nvidia.com/gpu'
const wholeGpu = 100
const smallestStep = 0.05
/** Part of a GPU that is kept for pods that take over. */
const spare = 0.15
/** Shares of multiprocessors need namespaces of MPS, which came with it. */
const oldestDriver = 615
/** As with MPS. */
const clients = 44

export function kaiBackend(options: GpuOptions): ReplacingBackend {
  return gpuBackend(
    {
      name,
      granularity: smallestStep,
      recognises: node => advertised(node, gpuResource) !== undefined,
      inspect: (node, machine) => inspect(node, machine, options),
      render: ({ units }) => ({
        extended: {},
        annotations: {
          [fractionAnnotation]: String(units / wholeGpu),
          'gpu-fraction-container-name': workerContainer,
          [`nvidia.com/container.${workerContainer}.gpu-compute.mode`]: 'sm-sharing',
        },
        labels: { 'kai.scheduler/queue': options.kaiQueue ?? '' },
        schedulerName: 'kai-scheduler',
        ...(options.runtimeClass === undefined ? {} : { runtimeClassName: options.runtimeClass }),
      }),
      held: pod => ({
        units: Math.round(Number(pod.metadata?.annotations?.[fractionAnnotation] ?? 0) * wholeGpu),
      }),
    },
    options,
  )
}

function inspect(node: RawNode, machine: string, { kaiQueue }: GpuOptions): Inspection {
  if (kaiQueue === undefined)
    return refused("the operator is not told which of KAI's queues to use; accepted: its option --kai-queue")
  const facts = labelledFacts(node)
  if (facts.mig) return refused('MIG mode is on; accepted: nodes with a whole GPU')
  if (isOlderDriver(facts.driver, oldestDriver))
    return refused(`its NVIDIA driver is ${facts.driver}; accepted: ${oldestDriver} or later`)
  const count = advertised(node, gpuResource)
  if (count === undefined) return refused(`it offers no ${gpuResource}`)
  if (count > 1)
    return refused(`it has ${count} GPUs, of which KAI picks one by itself; accepted: nodes with one GPU`)
  return labelledGpus(name, node, machine, 1, {
    granularity: smallestStep,
    facts: { steadyUnits: wholeGpu - spareUnits(wholeGpu, spare), totalUnits: wholeGpu, clients },
  })
}
