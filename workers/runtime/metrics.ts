/**
 * Prometheus metrics of a worker, read from the worker's own counters when they are scraped.
 *
 * prom-client's default collectors are left out: their event-loop monitor wakes the process a hundred times a second, which a pod
 * with a few hundredths of a core would feel.
 */
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { GpuMeter } from './gpu-meter.ts'

export interface WorkerMetrics {
  readonly registry: Registry
  /** A counter whose values are read at scrape time: [labels, value] pairs. */
  counter(name: string, help: string, labels: readonly string[], read: () => readonly Reading[]): void
  gauge(name: string, help: string, labels: readonly string[], read: () => readonly Reading[]): void
  histogram(name: string, help: string, buckets: readonly number[]): { observe(value: number): void }
}

export type Reading = readonly [labels: Readonly<Record<string, string>>, value: number | null]

export interface MetricsOptions {
  readonly namespace: string
  readonly stream: string
  readonly role: string
  readonly meter: GpuMeter
}

export function workerMetrics({ namespace, stream, role, meter }: MetricsOptions): WorkerMetrics {
  const registry = new Registry()
  registry.setDefaultLabels({ namespace, stream })
  const metrics: WorkerMetrics = {
    registry,
    counter(name, help, labels, read) {
      new Counter({
        name,
        help,
        labelNames: [...labels],
        registers: [registry],
        collect() {
          this.reset()
          for (const [values, value] of read()) if (value !== null) this.inc({ ...values }, value)
        },
      })
    },
    gauge(name, help, labels, read) {
      new Gauge({
        name,
        help,
        labelNames: [...labels],
        registers: [registry],
        collect() {
          this.reset()
          for (const [values, value] of read()) if (value !== null) this.set({ ...values }, value)
        },
      })
    },
    histogram: (name, help, buckets) =>
      new Histogram({ name, help, buckets: [...buckets], registers: [registry] }),
  }
  metrics.counter('ekya_worker_gpu_seconds_total', 'GPU-seconds that the worker has used.', ['role'], () => [
    [{ role }, meter.gpuSeconds()],
  ])
  metrics.counter('process_cpu_seconds_total', 'Total user and system CPU time spent in seconds.', [], () => {
    const { user, system } = process.cpuUsage()
    return [[{}, (user + system) / 1e6]]
  })
  metrics.gauge('process_resident_memory_bytes', 'Resident memory size in bytes.', [], () => [
    [{}, process.memoryUsage.rss()],
  ])
  return metrics
}
