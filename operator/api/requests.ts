/**
 * What people ask of a CameraStream once, by annotation, as `kubectl rollout restart` does.
 *
 *   ekya.dev/retrain    any text that differs from the one before, such as the time: train as soon as there are labels to train on
 *   ekya.dev/rollback   `<sha-256>@<any text>`: serve that model of status.models again; trainings from before are not taken
 *
 * A value is acted on once and then stands in status.requests. One that cannot be read, or names a model that was never served, counts
 * as none.
 */
import type { CameraStream } from './generated/types.ts'
import { retrainAnnotation, rollbackAnnotation } from './names.ts'

const longest = 128

export const retrainValue = (now: Date): string => now.toISOString()
export const rollbackValue = (digest: string, now: Date): string => `${digest}@${now.toISOString()}`

/** The request for a training that no training has answered yet. */
export function openRetrain(stream: CameraStream): string | undefined {
  const value = annotation(stream, retrainAnnotation)
  return value === stream.status?.requests?.retrain ? undefined : value
}

export interface Rollback {
  readonly value: string
  readonly digest: string
}

/** The last rollback that was asked for, acted on or not. */
export function rollbackOf(stream: CameraStream): Rollback | undefined {
  const value = annotation(stream, rollbackAnnotation)
  const digest = /^([0-9a-f]{64})@/.exec(value ?? '')?.[1]
  if (value === undefined || digest === undefined) return undefined
  const { models = [], requests } = stream.status ?? {}
  const known = requests?.rollback === value || models.some(model => model.digest === digest)
  return known ? { value, digest } : undefined
}

function annotation({ metadata }: CameraStream, name: string): string | undefined {
  const value = metadata.annotations?.[name]
  return value === undefined || value === '' || value.length > longest ? undefined : value
}
