/**
 * Whether cpu time follows shares, by the kernel's own accounts: a loop beside the worker in each container wants all that it can get, so
 * that the share alone bounds it.
 */
import { waitFor } from '../../hack/testing/wait-for.ts'
import type { ResizingSite } from './resizes.ts'
import type { E2eSite } from './site.ts'

export interface CpuTime {
  readonly pod: string
  /** Cores by its share. */
  readonly share: number
  /** Cores that it had, on average. */
  readonly used: number
  /** Part of the enforcement periods in which its quota was used up. */
  readonly throttled: number
}

/** Of all streams at once; on a real node whose "GPU" is cores. The shares must not change meanwhile. */
export async function measureCpuTime(
  site: E2eSite,
  gpu: ResizingSite,
  seconds: number,
): Promise<readonly CpuTime[]> {
  const node = site.containers()
  const loop = ['busybox', 'timeout', String(seconds + 5), 'sh', '-c', 'while :; do :; done']
  const held = (await gpu.pods()).map(pod => ({
    pod: pod.metadata.name,
    uid: pod.metadata.uid!,
    share: (gpu.unitsOf(pod) / 100) * gpu.cores,
    container: pod.status!.containerStatuses![0]!.containerID!,
  }))
  const use = () => held.map(({ uid, container }) => node.cpuUse(uid, container))
  const idle = use()
  // They end by themselves, with the status of `timeout`.
  const loops = held.map(({ container }) =>
    node
      .node()
      .exec(container, loop)
      .catch(() => {}),
  )
  await waitFor(() => use().every(({ throttled }, i) => throttled > idle[i]!.throttled + 3), {
    deadlineMs: 5_000,
    describe: 'all shares to be used up',
  }).catch(() => {
    // On a busy machine nobody may get as much; that is what is told then.
  })
  const from = performance.now()
  const before = use()
  let after = before
  await waitFor(
    () => {
      after = use()
      return performance.now() - from >= seconds * 1000
    },
    { deadlineMs: (seconds + 5) * 1000, intervalMs: 50, describe: 'the end of the measurement' },
  )
  const elapsed = (performance.now() - from) / 1000
  await Promise.all(loops)
  return held.map(({ pod, share }, i) => ({
    pod,
    share,
    used: (after[i]!.seconds - before[i]!.seconds) / elapsed,
    throttled:
      (after[i]!.throttled - before[i]!.throttled) / Math.max(1, after[i]!.periods - before[i]!.periods),
  }))
}
