/**
 * A WebAssembly module that does momentum-update.ts four weights at a time, assembled here: its bytes are these lines, and no compiler is needed.
 *
 * It exports `memory`, one page with three vectors of `together` floats at `places`, and `update(bytes, learningRate, momentum, decay)` for their
 * first so many bytes, at least one, rounded up to four floats. Codes are those of the WebAssembly specification's binary format.
 */

/** Of weights in the memory: a multiple of four, and few enough for the first-level cache to hold all three vectors. */
export const together = 2048
export const floatBytes = 4
/** Where each vector begins, in bytes. */
export const places = {
  parameters: 0,
  velocity: together * floatBytes,
  gradient: 2 * together * floatBytes,
} as const
const laneBytes = 4 * floatBytes

const type = { i32: 0x7f, f32: 0x7d, v128: 0x7b, function: 0x60, nothing: 0x40 } as const
const section = { types: 1, functions: 3, memories: 5, exports: 7, code: 10 } as const
const exported = { function: 0, memory: 2 } as const
const i32 = { const: (value: number) => [0x41, ...signed(value)], lessUnsigned: [0x49], add: [0x6a] }
const local = { get: (i: number) => [0x20, i], set: (i: number) => [0x21, i], tee: (i: number) => [0x22, i] }
const loop = [0x03, type.nothing]
const end = [0x0b]
const repeatIf = [0x0d, 0]
const vector = (code: number) => [0xfd, ...unsigned(code)]
/** Every address here is a multiple of 16 bytes, 2⁴. */
const memoryAt = (offset: number) => [4, ...unsigned(offset)]
const v128 = {
  load: (offset: number) => [...vector(0), ...memoryAt(offset)],
  store: (offset: number) => [...vector(11), ...memoryAt(offset)],
}
const f32x4 = { splat: vector(0x13), add: vector(0xe4), sub: vector(0xe5), mul: vector(0xe6) }

/** Little-endian groups of seven bits (LEB128). */
function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)]
}

/** Of a value that is not negative: bit 6 of the last group is its sign. */
function signed(value: number): number[] {
  return value < 0x40 ? [value] : [(value & 0x7f) | 0x80, ...signed(value >>> 7)]
}

const counted = (bytes: readonly number[]): number[] => [...unsigned(bytes.length), ...bytes]
const vectorOf = (...items: readonly (readonly number[])[]): number[] => [items.length, ...items.flat()]
const named = (name: string, kind: number, index: number): number[] => [
  ...counted([...Buffer.from(name)]),
  ...[kind, index],
]

/** Locals in their order, parameters first. */
const [bytes, learningRate, momentum, decay, place, rates, momenta, decays, parameter, velocity] = [
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9,
] as const

const updateCode = [
  ...vectorOf([1, type.i32], [5, type.v128]), // place; rates, momenta, decays, parameter, velocity
  ...[...local.get(learningRate), ...f32x4.splat, ...local.set(rates)],
  ...[...local.get(momentum), ...f32x4.splat, ...local.set(momenta)],
  ...[...local.get(decay), ...f32x4.splat, ...local.set(decays)],
  ...loop,
  ...local.get(place), // where the velocity goes
  ...[...local.get(momenta), ...local.get(place), ...v128.load(places.velocity), ...f32x4.mul],
  ...[...local.get(place), ...v128.load(places.gradient)],
  ...[...local.get(place), ...v128.load(places.parameters), ...local.tee(parameter)],
  ...[...local.get(decays), ...f32x4.mul], // decay · parameter
  ...f32x4.add, // gradient + …
  ...f32x4.add, // momentum · velocity + …
  ...[...local.tee(velocity), ...v128.store(places.velocity)],
  ...local.get(place), // where the parameter goes
  ...[...local.get(parameter), ...local.get(rates), ...local.get(velocity)],
  ...[...f32x4.mul, ...f32x4.sub], // parameter − rate · velocity
  ...v128.store(places.parameters),
  ...[...local.get(place), ...i32.const(laneBytes), ...i32.add, ...local.tee(place)],
  ...[...local.get(bytes), ...i32.lessUnsigned, ...repeatIf],
  ...end, // of the loop
  ...end, // of the function
]

export const momentumModule = Uint8Array.from([
  ...[...Buffer.from('\0asm'), 1, 0, 0, 0], // version 1
  section.types,
  ...counted(vectorOf([type.function, ...vectorOf([type.i32], [type.f32], [type.f32], [type.f32]), 0])),
  ...[section.functions, ...counted(vectorOf([0]))], // of type 0
  ...[section.memories, ...counted(vectorOf([1, 1, 1]))], // with a maximum: one page of 64 KiB, which holds the three vectors
  section.exports,
  ...counted(vectorOf(named('update', exported.function, 0), named('memory', exported.memory, 0))),
  ...[section.code, ...counted(vectorOf(counted(updateCode)))],
])
