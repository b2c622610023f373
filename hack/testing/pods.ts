/** Short ways to read pods of the suite's namespace. */
import type { Pod } from '../process-node/pod.ts'
import { type ApiServer, waitFor } from './api-server.ts'

export interface PodReader {
  read(name: string): Promise<Pod>
  /** Waits until the pod is as wanted. */
  until(name: string, what: string, condition: (pod: Pod) => boolean, deadlineMs?: number): Promise<Pod>
}

/** @param usualMs deadline of `until` where none is given */
export function podReader(api: ApiServer, usualMs: number): PodReader {
  const read = (name: string): Promise<Pod> =>
    api.client().get<Pod>(`/api/v1/namespaces/${api.namespace()}/pods/${name}`)
  return {
    read,
    until(name, what, condition, deadlineMs = usualMs) {
      let last: Pod | undefined
      return waitFor(
        async () => {
          last = await read(name)
          return condition(last) ? last : undefined
        },
        { deadlineMs, describe: () => `pod ${name}: ${what}; its status is ${JSON.stringify(last?.status)}` },
      )
    },
  }
}
