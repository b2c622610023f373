/** Pixels as students see them: bytes become value / 127.5 − 1. */

const scale = Float32Array.from({ length: 256 }, (_, value) => value / 127.5 - 1)

export function normalisePixels(bytes: Uint8Array): Float32Array {
  const into = new Float32Array(bytes.length)
  for (let i = 0; i < bytes.length; i++) into[i] = scale[bytes[i]!]!
  return into
}
