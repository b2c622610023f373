/**
 * How much the cameras ask of the "GPU". The load is what makes shares matter: with too little of it everything fits, with too
 * much of it nothing does, and what a frame costs differs from machine to machine.
 */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { FrameCost, FrameCostRequest } from './frame-cost.ts'

export interface Load {
  /** Frames per second and camera. */
  readonly frameRate: number
  /** spec.labeling.share of the window. */
  readonly labelingShare: number
}

/** Part of the "GPU" that inference of all cameras needs. */
export const targetLoad = 0.6
/** The CRD's bound on frameRate. */
const fastest = 60

/** @returns frames per second and camera, whole from 1 to 60 */
export function frameRateFor(cpuSecondsPerFrame: number, cores: number, cameras: number): number {
  const rate = (targetLoad * cores) / (cpuSecondsPerFrame * cameras)
  return Math.max(1, Math.min(fastest, Math.round(rate)))
}

/**
 * Frames per second at which a sample list of so many images plays exactly once in a window. Faster, an image would come several
 * times, in training and in validation, and every measurement would be too good; slower, a part would never be seen.
 */
export const frameRateOfList = (images: number, windowSeconds: number): number =>
  Math.max(0.1, Math.min(fastest, Math.round((images / windowSeconds) * 1000) / 1000))

export const loadOf = (
  frameRate: number,
  cpuSecondsPerFrame: number,
  cores: number,
  cameras: number,
): number => (frameRate * cpuSecondsPerFrame * cameras) / cores

/**
 * Part of what inference needs that it keeps while frames are labelled. Less than all: what reused results lose in those seconds
 * is little against what a window loses for every second that its better model comes later.
 */
const keptForInference = 0.8

/** What labelling and micro-profiling may take of the "GPU" together. */
export const labelingShareFor = (load: number): number =>
  Math.round(Math.max(0.3, Math.min(0.8, 1 - load * keptForInference)) * 20) / 20

/** In a process of its own. @throws Error with what that process said. */
export async function frameCost(request: FrameCostRequest, signal?: AbortSignal): Promise<FrameCost> {
  const script = fileURLToPath(new URL('frame-cost.ts', import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, [script, JSON.stringify(request)], {
    timeout: 60_000,
    ...(signal && { signal }),
  })
  return JSON.parse(stdout) as FrameCost
}
