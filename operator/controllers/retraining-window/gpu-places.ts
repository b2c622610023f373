/**
 * What placement is told of a site's GPUs, and where streams may go. One with a fault takes no streams, and those that it has stay in the books,
 * because it mostly serves again within seconds; where its fault lasts they go elsewhere as far as there is room.
 */
import {
  activeStreams,
  allowedNodes,
  type SiteSnapshot,
  type StreamSnapshot,
  stepOf,
} from '../../cluster/snapshot.ts'
import { demandShare } from '../../scheduler/inference/inference-quality.ts'
import { currentGpu, placesOf } from '../../scheduler/placement.ts'
import type { Gpu, InferenceOption, StreamProblem } from '../../scheduler/problem.ts'
import { stepsPerGpu } from '../../scheduler/share-grid.ts'
import type { PlanItem } from '../plan-status.ts'

export const placeableGpus = ({ gpus }: Pick<SiteSnapshot, 'gpus'>): readonly Gpu[] =>
  gpus.map(({ node, gpu, fault }) => ({ node, gpu, ...(fault === undefined ? {} : { takesStreams: false }) }))

/** Where a stream is to stay, and what it holds there; undefined: nothing keeps it where it is. */
export function holding(
  { gpus }: Pick<SiteSnapshot, 'gpus'>,
  item: PlanItem | undefined,
): StreamProblem['current'] {
  if (item === undefined) return undefined
  const { node, gpu, inferenceShare, trainingShare } = item
  if (gpus[currentGpu(gpus, item)]?.faultLasts === true) return undefined
  return { node, gpu, inferenceShare, trainingShare }
}

/**
 * Nodes that a stream may be put on. A pod can hold less of some GPUs than of others, and policies reckon with what the stream can use where it
 * is: so it goes to none that could not give it that.
 */
export function worthwhileNodes(
  { gpus }: Pick<SiteSnapshot, 'gpus'>,
  { stream }: StreamSnapshot,
  inference: readonly InferenceOption[],
  current: Gpu | undefined,
): readonly string[] {
  const allowed = allowedNodes(gpus, stream)
  if (current === undefined) return allowed
  const demand = demandShare(inference)
  return allowed.filter(name =>
    gpus.some(
      ({ node, largestShare = 1 }) => node === name && (node === current.node || largestShare >= demand),
    ),
  )
}

/** Whether a stream is planned on a GPU whose fault lasts although there is room for it elsewhere. */
export function isToMove(site: SiteSnapshot): boolean {
  if (!site.gpus.some(({ faultLasts }) => faultLasts === true)) return false
  const gpus = placeableGpus(site)
  const streams = activeStreams(site).map(({ name, stream }) => {
    const item = site.window.status?.plan?.items.find(each => each.stream === name)
    return { item, current: holding(site, item), nodes: allowedNodes(site.gpus, stream) }
  })
  const places = placesOf(streams, gpus, stepsPerGpu(stepOf(site)))
  return streams.some(
    ({ item, current }, i) =>
      item !== undefined && current === undefined && !places[i]!.includes(currentGpu(gpus, item)),
  )
}
