/**
 * What to micro-profile next: what is likeliest to change the choice, per GPU-second that it takes (knowledge gradient; Frazier, Powell &
 * Dayanik, 2008).
 *
 * Of each retraining its value is known as a normal distribution. A micro-profile will move the mean by a normal amount that is not known
 * yet; its deviation is what the micro-profile can tell. If the mean then passes that of the best other choice, that much is gained:
 *
 *   gain = s · f(−|m − best other| / s),   f(z) = φ(z) + z Φ(z)
 *
 * A training that is far behind, or of which a micro-profile tells little, is not worth one.
 *
 * Where only what was micro-profiled can be chosen (the estimator `ekya`), the best other is one of those that are profiled anyway
 * (`offersByWorth`).
 */

export interface Candidate {
  readonly configuration: string
  /** Of what is to be highest (accuracy over the window, say), if it is chosen. */
  readonly mean: number
  /** Deviation of the change of the mean that a micro-profile brings, ≥ 0: √(variance before − variance after). */
  readonly told: number
  /** What the micro-profile costs, ≥ 0. */
  readonly gpuSeconds: number
  /** Candidates of the same group are told by one micro-profile, which costs what the dearest of them does. */
  readonly group?: string
}

export interface ProfilingLimits {
  /** GPU-seconds for all micro-profiles. */
  readonly budget: number
  /** Value of doing none of them (no retraining), which is known. */
  readonly otherwise: number
  /** Gains that are not worth the trouble, default 1e-4. */
  readonly least?: number
}

export interface ProfilingChoice {
  readonly configurations: readonly string[]
  /** Expected gain of the choice that follows, in units of value. */
  readonly gain: number
  readonly gpuSeconds: number
}

/** Micro-profiles worth their cost, the most for its GPU-seconds first; what the budget does not reach is passed over for what it does. */
export function profilesWorthwhile(
  candidates: readonly Candidate[],
  { budget, otherwise, least = 1e-4 }: ProfilingLimits,
): ProfilingChoice[] {
  const choices = grouped(candidates)
    .map(group => choiceOf(group, each => expectedGain(each, bestOther(candidates, each, otherwise))))
    .filter(({ gain }) => gain >= least)
    .sort((a, b) => worth(b) - worth(a))
  let left = budget
  return choices.filter(({ gpuSeconds }) => {
    if (gpuSeconds > left) return false
    left -= gpuSeconds
    return true
  })
}

/**
 * All groups, the one first that is expected to add the most to the best of those before it, per GPU-second, as far as the budget goes.
 *
 * @param candidates of which `told` is the whole deviation of the value: who is not profiled is not offered.
 */
export function offersByWorth(
  candidates: readonly Candidate[],
  { budget, otherwise }: ProfilingLimits,
): ProfilingChoice[] {
  const left = grouped(candidates)
  const choices: ProfilingChoice[] = []
  let [best, unspent] = [otherwise, budget]
  while (left.length > 0) {
    const next = left
      .map(group => ({ group, choice: choiceOf(group, each => addedTo(best, each)) }))
      .reduce((a, b) => (worth(b.choice) > worth(a.choice) ? b : a))
    left.splice(left.indexOf(next.group), 1)
    if (next.choice.gpuSeconds > unspent) continue
    unspent -= next.choice.gpuSeconds
    best = Math.max(best, ...next.group.map(({ mean }) => mean))
    choices.push(next.choice)
  }
  return choices
}

/** Expected maximum of the value and a known one, less that one. */
const addedTo = (known: number, { mean, told }: Candidate): number =>
  Math.max(0, mean - known) + expectedGain({ mean, told }, known)

const grouped = (candidates: readonly Candidate[]): (readonly Candidate[])[] => [
  ...Map.groupBy(candidates, ({ group, configuration }) => group ?? `\0${configuration}`).values(),
]

const choiceOf = (group: readonly Candidate[], gainOf: (one: Candidate) => number): ProfilingChoice => ({
  configurations: group.map(({ configuration }) => configuration),
  gain: Math.max(...group.map(gainOf)),
  gpuSeconds: Math.max(...group.map(({ gpuSeconds }) => gpuSeconds)),
})

/** A group's gain is that of its member with the most: what it tells of the others comes on top, so this is a lower bound. */
const worth = ({ gain, gpuSeconds }: ProfilingChoice): number => gain / Math.max(gpuSeconds, 1e-9)

function bestOther(candidates: readonly Candidate[], one: Candidate, otherwise: number): number {
  return candidates.reduce((best, other) => (other === one ? best : Math.max(best, other.mean)), otherwise)
}

/** Of learning about one choice, where the best other one has a known value. */
export function expectedGain({ mean, told }: Pick<Candidate, 'mean' | 'told'>, other: number): number {
  if (!(told > 0)) return 0
  const z = -Math.abs(mean - other) / told
  return Math.max(0, told * (density(z) + z * cumulative(z)))
}

const density = (z: number): number => Math.exp(-(z ** 2) / 2) / Math.sqrt(2 * Math.PI)

/** Of the standard normal distribution, for z ≤ 0, to 1e-7 (Abramowitz & Stegun 26.2.17). */
function cumulative(z: number): number {
  const t = 1 / (1 + 0.2316419 * -z)
  const polynomial =
    t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
  return density(z) * polynomial
}
