/**
 * GPU-seconds that this process has used. With the cpu backend a "GPU" is a number of cores, so that its seconds are cpu seconds /
 * cores: independent of the share that the process holds and of who else runs. On a real GPU the wall clock is an upper bound.
 */
import type { Device } from '../../operator/api/worker.ts'

export interface GpuMeter {
  /** Since the process began. */
  gpuSeconds(): number
}

export interface GpuMeterSources {
  /** Cpu seconds of this process, user and system. */
  readonly cpuSeconds: () => number
  /** Seconds since the process began. */
  readonly wallSeconds: () => number
}

const ownProcess: GpuMeterSources = {
  cpuSeconds: () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1e6
  },
  wallSeconds: () => process.uptime(),
}

export function gpuMeter(
  device: Device,
  { cpuSeconds, wallSeconds }: GpuMeterSources = ownProcess,
): GpuMeter {
  const cores = device.cores ?? 1
  return { gpuSeconds: device.kind === 'cpu' ? () => cpuSeconds() / cores : wallSeconds }
}
