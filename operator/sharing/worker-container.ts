/** The container of a worker pod that the share belongs to. */
import { type RawPod, SharingError } from './backend.ts'

export const workerContainer = 'worker'

/** @throws SharingError `no-worker-container`. */
export function workerOf(pod: RawPod) {
  const container = pod.spec?.containers?.find(candidate => candidate.name === workerContainer)
  if (!container) {
    throw new SharingError(
      'no-worker-container',
      `pod ${pod.metadata?.namespace ?? ''}/${pod.metadata?.name ?? ''} has no container named ${workerContainer}`,
    )
  }
  return container
}
