/**
 * Fair-random: equal shares for all jobs, and each stream trains any configuration: without a seed the first on offer, as Ekya's
 * simulator does under this name, with one a drawn one.
 */
import { definePolicy } from '../policy.ts'
import { equalJobs } from '../uniform/split.ts'
import { uniformPlan } from '../uniform/uniform.ts'

/** Option: `seed`. The same seed, window and stream draw the same. */
export const fairRandom = definePolicy({
  name: 'fair-random',
  options: { seed: { type: 'integer', minimum: 0, maximum: 2 ** 31 - 1 } },
  plan: (problem, { seed }) =>
    uniformPlan(problem, {
      policy: 'fair-random',
      inferencePart: equalJobs,
      pick: (options, stream) =>
        options[
          seed === undefined
            ? 0
            : Math.floor(options.length * draw(`${seed}/${problem.windowIndex ?? 0}/${stream.name}`))
        ],
    }),
})

/** A number in [0, 1) from a text: FNV-1a, its bits mixed as in MurmurHash3. */
function draw(text: string): number {
  let hash = 0x811c9dc5
  for (const character of text) hash = Math.imul(hash ^ character.codePointAt(0)!, 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32
}
