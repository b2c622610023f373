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

const loop = 'while :; do :; done'
/** Longer than any measurement, for the case that nobody ends it. */
const loopSeconds = 60

/** Of all streams at once; on a real node whose "GPU" is cores. The shares must not change meanwhile. */
export async function measureCpuTime(
  site: E2eSite,
  gpu: ResizingSite,
  seconds: number,
): Promise<readonly CpuTime[]> {
  const node = site.containers()
  const held = (await gpu.pods()).map(pod => ({
    pod: pod.metadata.name,
    uid: pod.metadata.uid!,
    share: (gpu.unitsOf(pod) / 100) * gpu.cores,
    container: pod.status!.containerStatuses![0]!.containerID!,
  }))
  const use = () => held.map(({ uid, container }) => node.cpuUse(uid, container))
  const idle = use()
  const loops = held.map(({ container }) =>
    node
      .node()
      .exec(container, ['busybox', 'timeout', String(loopSeconds), 'sh', '-c', loop])
      .catch(() => {}),
  )
  try {
    await waitFor(() => use().every(({ throttled }, i) => throttled > idle[i]!.throttled + 3), {
      deadlineMs: 20_000,
      describe: 'a loop in each pod to use its share up',
    })
    const before = use()
    let after = before
    await waitFor(
      () => {
        after = use()
        return after.every(({ atMs }, i) => atMs - before[i]!.atMs >= seconds * 1000)
      },
      { deadlineMs: (seconds + 10) * 1000, intervalMs: 100, describe: 'the end of the measurement' },
    )
    return held.map(({ pod, share }, i) => {
      const [from, to] = [before[i]!, after[i]!]
      return {
        pod,
        share,
        used: (to.seconds - from.seconds) / ((to.atMs - from.atMs) / 1000),
        throttled: (to.throttled - from.throttled) / Math.max(1, to.periods - from.periods),
      }
    })
  } finally {
    // The node's processes are its own; the brackets keep the pattern from meaning the command itself.
    await node
      .node()
      .run(['pkill', '-KILL', '-f', loop.replace('w', '[w]')])
      .catch(() => {})
    await Promise.all(loops)
  }
}
