/** Two streams, one of which trains, on a GPU that gets a fault. */
import { type SwapSite, swapSiteAt } from './swap-site.ts'

export const fault = 'a client had an error that took its MPS server down'
const shares = { a: 40, b: [30, 30] } as const

export async function faultySite(killAt?: number): Promise<SwapSite> {
  const site = await swapSiteAt(shares, { advances: true })
  site.writes.length = 0
  site.notes.length = 0
  if (killAt !== undefined) site.killAt = killAt
  site.fault = fault
  return site
}

/** What became of each stream's training. */
export const states = ({ items }: SwapSite) =>
  items.map(({ stream, state, faults }) => ({ stream, state, faults }))
/** Units by pod, as planned. */
export const served = { 'a-inference': 40, 'b-inference': 30, 'b-training-0': 30 }
