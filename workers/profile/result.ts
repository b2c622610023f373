/** What a profile pod leaves, made to fit into a termination message. */
import type { ProfileResult } from '../../operator/api/worker.ts'
import { encodeResult, type Shrink } from '../runtime/termination-message.ts'

/** Points that a curve of three parameters still fits well through: early ones and the last. */
const fewestPoints = 3

const fewerPoints: Shrink<ProfileResult> = result => {
  const longest = Math.max(0, ...result.profiles.map(({ points }) => points.length))
  if (longest <= fewestPoints) return undefined
  return {
    ...result,
    profiles: result.profiles.map(profile => ({
      ...profile,
      points: profile.points.length < longest ? profile.points : withoutMiddle(profile.points),
    })),
  }
}

/** Later distances change slowly: the operator takes the last value for all beyond. */
const shorterCoherence: Shrink<ProfileResult> = result =>
  result.coherence === undefined || result.coherence.length <= 5
    ? undefined
    : { ...result, coherence: result.coherence.slice(0, -4) }

const withoutSoFar: Shrink<ProfileResult> = ({ soFar, ...rest }) =>
  soFar === undefined
    ? undefined
    : { ...rest, profiles: rest.profiles.map(({ soFar: _, ...profile }) => profile) }

const withoutClassMix: Shrink<ProfileResult> = ({ classMix, ...rest }) =>
  classMix === undefined ? undefined : rest

/** Profiled last means costliest: the window can do without. */
const fewerProfiles: Shrink<ProfileResult> = result =>
  result.profiles.length === 0 ? undefined : { ...result, profiles: result.profiles.slice(0, -1) }

export const encodeProfileResult = (result: ProfileResult): string =>
  encodeResult(result, [fewerPoints, shorterCoherence, withoutClassMix, withoutSoFar, fewerProfiles])

function withoutMiddle<T>(points: readonly T[]): T[] {
  const middle = Math.floor(points.length / 2)
  return points.filter((_, i) => i !== middle)
}
