/**
 * One update by SGD with momentum, in place and in PyTorch's order:
 *
 *   velocity ← momentum · velocity + (gradient + decay · parameter)        parameter ← parameter − rate · velocity
 *
 * Each operation is rounded to float32, and so are the rates, whatever computes it: four weights at a time where there is WebAssembly with SIMD,
 * else one by one. So both give the same bits, and which of them works here changes no outcome.
 *
 * WebAssembly sees its own memory alone. Weights pass through a piece of it that stays in the first-level cache, which costs far less than the main memory
 * that an update waits for; weights that lay there themselves would need a memory for each training, which is freed when the garbage collector likes.
 */
import { floatBytes, momentumModule, places, together } from './momentum-module.ts'

export type Update = (
  parameters: Float32Array,
  velocity: Float32Array,
  /** As long as both. */
  gradient: Float32Array,
  learningRate: number,
  momentum: number,
  decay: number,
) => void

/** What is used of the global WebAssembly. */
export interface WebAssemblyRuntime {
  validate(bytes: Uint8Array): boolean
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object) => { readonly exports: unknown }
}

interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer }
  update(bytes: number, learningRate: number, momentum: number, decay: number): void
}

let chosen: Update | undefined

/** Made on first use: the runtime keeps some GiB of addresses free behind a memory, whoever trains or not. */
export function fastestUpdate(): Update {
  chosen ??=
    simdUpdate((globalThis as { readonly WebAssembly?: WebAssemblyRuntime }).WebAssembly) ?? plainUpdate
  return chosen
}

/** @returns undefined without WebAssembly, without its SIMD, and where it gets no memory */
export function simdUpdate(runtime: WebAssemblyRuntime | undefined): Update | undefined {
  if (!runtime?.validate(momentumModule)) return undefined
  let exports: Exports
  try {
    exports = new runtime.Instance(new runtime.Module(momentumModule)).exports as Exports
  } catch {
    // What is missing is the same to who trains: a limit on addresses, or on compiled code.
    return undefined
  }
  const within = (from: number) => new Float32Array(exports.memory.buffer, from, together)
  const [parameter, moved, slope] = [
    within(places.parameters),
    within(places.velocity),
    within(places.gradient),
  ]
  return (parameters, velocity, gradient, learningRate, momentum, decay) => {
    for (let from = 0; from < gradient.length; from += together) {
      const count = Math.min(together, gradient.length - from)
      parameter.set(part(parameters, from, count))
      moved.set(part(velocity, from, count))
      slope.set(part(gradient, from, count))
      // Lanes behind the last weight are computed, too, and not read.
      exports.update(count * floatBytes, learningRate, momentum, decay)
      parameters.set(part(parameter, 0, count), from)
      velocity.set(part(moved, 0, count), from)
    }
  }
}

/** A view costs more than the update of a short vector. */
const part = (vector: Float32Array, from: number, count: number): Float32Array =>
  vector.length === count ? vector : vector.subarray(from, from + count)

export const plainUpdate: Update = (parameters, velocity, gradient, learningRate, momentum, decay) => {
  const { fround } = Math
  const [rate, kept, decayed] = [fround(learningRate), fround(momentum), fround(decay)]
  for (let i = 0; i < gradient.length; i++) {
    const parameter = parameters[i]!
    const slope = fround(gradient[i]! + fround(decayed * parameter))
    const moved = fround(fround(kept * velocity[i]!) + slope)
    velocity[i] = moved
    parameters[i] = parameter - fround(rate * moved)
  }
}
