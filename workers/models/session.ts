/**
 * onnxruntime sessions as workers need them: bounded threads, and no spinning unless asked for. A spinning thread pool burns its cpu limit while it
 * waits, so that under a limit of a fraction of a core most of the quota is lost.
 */
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { BusyTime } from './busy-time.ts'

export { Tensor }
export type Session = InferenceSession

const busy = new BusyTime(() => performance.now() / 1000)

/** What runs a graph. */
export type Provider = 'cpu' | 'cuda'

export interface SessionOptions {
  /** Default cpu. What cuda cannot run the cpu does. */
  readonly provider?: Provider
  /** Threads inside one operator, ≥ 1. */
  readonly threads?: number
  /** Threads wait for each other within a run by spinning, for who has as many cores to itself. Default false: they sleep. */
  readonly spin?: boolean
  /** False keeps every tensor of the graph visible under its own name. Default true. */
  readonly optimise?: boolean
}

/** Seconds in which sessions of this process were at work, one or several, since it began. */
export const busySeconds = (): number => busy.seconds()

/** As `busySeconds`, without what is at work now. */
export const endedBusySeconds = (): number => busy.endedSeconds()

export async function openSession(
  model: Uint8Array,
  { provider = 'cpu', threads = 1, spin = false, optimise = true }: SessionOptions = {},
): Promise<Session> {
  const session = await InferenceSession.create(model, {
    executionProviders: provider === 'cuda' ? ['cuda', 'cpu'] : ['cpu'],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: optimise ? 'all' : 'disabled',
    logSeverityLevel: 3,
    extra: {
      session: {
        intra_op: { allow_spinning: spin ? '1' : '0' },
        inter_op: { allow_spinning: '0' },
        // Not between two runs.
        force_spinning_stop: '1',
      },
    },
  })
  const run = session.run.bind(session) as (...args: unknown[]) => ReturnType<Session['run']>
  session.run = (...args: unknown[]) => busy.during(() => run(...args))
  return session
}

export const floats = (values: Float32Array, dims: readonly number[]): Tensor =>
  new Tensor('float32', values, dims)
