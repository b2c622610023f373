/**
 * How long this process is at its HTTP requests, from the request's head to the last byte of the answer given to the kernel, by path, and
 * how long its event loop stands still meanwhile.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { IncomingMessage } from 'node:http'
import { monitorEventLoopDelay, performance } from 'node:perf_hooks'

export interface Times {
  /** Milliseconds, in the order of the answers. */
  readonly ms: number[]
  /** Milliseconds of this thread's processor time; other requests that it served meanwhile included. */
  readonly cpu: number[]
}

export interface RequestTimes {
  /** By path with query. */
  readonly byPath: ReadonlyMap<string, Times>
  readonly eventLoop: {
    /** Part of the time in which it had something to do. */
    readonly busy: number
    /** Milliseconds that a timer comes late. */
    readonly p99: number
    readonly most: number
  }
}

const started = 'http.server.request.start'
const finished = 'http.server.response.finish'
const resolutionMs = 1

/** Of what is asked while `work` runs. */
export async function timeRequests(work: () => Promise<void>): Promise<RequestTimes> {
  const byPath = new Map<string, Times>()
  const open = new WeakMap<IncomingMessage, readonly [ms: number, cpu: NodeJS.CpuUsage]>()
  const onStart = (message: unknown): void => {
    open.set((message as { request: IncomingMessage }).request, [performance.now(), process.threadCpuUsage()])
  }
  const onFinish = (message: unknown): void => {
    const { request } = message as { request: IncomingMessage }
    const since = open.get(request)
    if (since === undefined) return
    const path = request.url ?? ''
    const times = byPath.get(path) ?? { ms: [], cpu: [] }
    byPath.set(path, times)
    times.ms.push(performance.now() - since[0])
    const { user, system } = process.threadCpuUsage(since[1])
    times.cpu.push((user + system) / 1000)
  }
  const delay = monitorEventLoopDelay({ resolution: resolutionMs })
  subscribe(started, onStart)
  subscribe(finished, onFinish)
  delay.enable()
  const before = performance.eventLoopUtilization()
  try {
    await work()
  } finally {
    unsubscribe(started, onStart)
    unsubscribe(finished, onFinish)
    delay.disable()
  }
  const late = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e6 - resolutionMs)
  return {
    byPath,
    eventLoop: {
      busy: performance.eventLoopUtilization(before).utilization,
      p99: late(delay.percentile(99)),
      most: late(delay.max),
    },
  }
}
