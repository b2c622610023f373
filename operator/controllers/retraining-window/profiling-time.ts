/** How much of a window labelling and profiling may take. */

/** Profile pods that are not done after this part of the window are no longer waited for. */
export const profilingDeadline = 0.5

/** By then they are told to be done, with what they have: the rest is for ending the pod and for the news of it. */
export const profilingTarget = 0.9 * profilingDeadline

/** RFC 3339. */
export const profilingEndsBy = (startedAt: string, windowSeconds: number): string =>
  new Date(Date.parse(startedAt) + profilingTarget * windowSeconds * 1000).toISOString()
