/**
 * GPU-seconds that this process has used. With the cpu backend a "GPU" is a number of cores, so that its seconds are cpu seconds /
 * cores: independent of the share that the process holds and of who else runs. On a real GPU they are seconds by the speed that the GPU has
 * at the share of the process: of inference those in which models were at work, since it waits for frames; of a training or a profile
 * all since the process began, since it holds its share for nothing else, also while it starts, loads and reads.
 */
import { type Device, shareSpeedVariable, type WorkerRole } from '../../operator/api/worker.ts'
import { busySeconds, endedBusySeconds } from '../models/session.ts'
import { WorkerFailure } from './failure.ts'

export interface GpuMeter {
  /** Since the process began. */
  gpuSeconds(): number
  /** Seconds of a processor, and of a GPU's work that has come to an end: stands still where storage or a GPU hangs. */
  workSeconds(): number
}

export interface GpuMeterSources {
  /** Cpu seconds of this process, user and system. */
  readonly cpuSeconds: () => number
  /** Seconds in which models were at work. */
  readonly busySeconds: () => number
  /** As `busySeconds`, of those that have ended. */
  readonly endedBusySeconds: () => number
  /** Since the process began. */
  readonly wallSeconds: () => number
}

const ownProcess: GpuMeterSources = {
  cpuSeconds: () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1e6
  },
  busySeconds,
  endedBusySeconds,
  wallSeconds: () => process.uptime(),
}

/** @throws WorkerFailure ConfigInvalid for a speed that is none. */
export function gpuMeter(
  role: WorkerRole,
  device: Device,
  environment: NodeJS.ProcessEnv = {},
  { cpuSeconds, busySeconds, endedBusySeconds, wallSeconds }: GpuMeterSources = ownProcess,
): GpuMeter {
  const cores = device.cores ?? 1
  const speed = shareSpeed(environment[shareSpeedVariable])
  const seconds = role === 'inference' ? busySeconds : wallSeconds
  return {
    gpuSeconds: device.kind === 'cpu' ? () => cpuSeconds() / cores : () => seconds() * speed,
    workSeconds: device.kind === 'cpu' ? cpuSeconds : () => cpuSeconds() + endedBusySeconds(),
  }
}

/** Seconds of the device as trainings report them: cpu seconds of all its cores, or of a GPU. */
export const deviceSeconds =
  (meter: GpuMeter, { cores = 1 }: Pick<Device, 'cores'>): (() => number) =>
  () =>
    meter.gpuSeconds() * cores

function shareSpeed(text: string | undefined): number {
  if (text === undefined || text === '') return 1
  const speed = Number(text)
  if (speed > 0 && speed <= 1) return speed
  throw new WorkerFailure(
    'ConfigInvalid',
    `${shareSpeedVariable} is "${text}"; accepted: a number above 0, at most 1`,
  )
}
