/**
 * What each of the runtime's providers is good at, as far as training graphs are written by it. One record each, so that nobody else asks
 * which provider it is.
 */
import { blockSize } from '../models/blocked-layout.ts'
import type { Provider } from '../models/session.ts'

export interface Strengths {
  /** Channels in a block of the runtime's blocked layout (models/blocked-layout.ts); 1: there is none. */
  readonly block: number
  /** It has BatchNormalization in training mode, which gives the batch's statistics, and MaxUnpool. */
  readonly trainingOperators: boolean
  /** What time goes by: passes over memory and arithmetic, or nodes, each of which has to be launched. */
  readonly bound: 'work' | 'nodes'
  /** Weights are read where they lie. Otherwise a run takes them to the device and back, which pays for many steps at once. */
  readonly weightsInPlace: boolean
  /** A batch of another size than the last one costs nothing. Otherwise kernels are chosen anew for it, which takes as long as many batches. */
  readonly anySize: boolean
}

/** Of the CUDA provider. The CPU provider has all that such graphs need, so that they can be tried without a GPU. */
export const cudaStrengths: Strengths = {
  block: 1,
  trainingOperators: false,
  bound: 'nodes',
  weightsInPlace: false,
  anySize: false,
}

export async function strengthsOf(provider: Provider): Promise<Strengths> {
  if (provider === 'cuda') return cudaStrengths
  return {
    block: await blockSize(),
    trainingOperators: true,
    bound: 'work',
    weightsInPlace: true,
    anySize: true,
  }
}
