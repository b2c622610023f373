/**
 * A checkpoint as bytes: magic, length of the header, header (JSON), float vectors, sha-256 over all that.
 * A damaged or truncated one is refused, never half read.
 */
import { createHash } from 'node:crypto'
import { LearningError } from './errors.ts'
import type { Checkpoint } from './training.ts'

const magic = 'EKYACKP1'
const digestBytes = 32
const vectors = ['parameters', 'velocity', 'statistics', 'bestParameters', 'bestStatistics'] as const

export function encodeCheckpoint(checkpoint: Checkpoint): Uint8Array {
  const lengths = vectors.map(name => checkpoint[name].length)
  const plain = Object.fromEntries(
    Object.entries(checkpoint).filter(([key]) => !vectors.includes(key as never)),
  )
  const header = Buffer.from(JSON.stringify({ ...plain, lengths }))
  const size = Buffer.alloc(4)
  size.writeUInt32LE(header.length)
  const data = vectors.map(name => {
    const { buffer, byteOffset, byteLength } = checkpoint[name]
    return Buffer.from(buffer, byteOffset, byteLength)
  })
  const body = Buffer.concat([Buffer.from(magic), size, header, ...data])
  return Buffer.concat([body, createHash('sha256').update(body).digest()])
}

/** @throws LearningError ConfigInvalid for anything but a whole checkpoint. */
export function decodeCheckpoint(bytes: Uint8Array): Checkpoint {
  const refuse = (why: string): never => {
    throw new LearningError('ConfigInvalid', `the checkpoint is not usable: ${why}`)
  }
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (file.length < magic.length + 4 + digestBytes || file.toString('latin1', 0, magic.length) !== magic)
    return refuse('it does not begin like one')
  const body = file.subarray(0, -digestBytes)
  if (!createHash('sha256').update(body).digest().equals(file.subarray(-digestBytes)))
    return refuse('its digest does not match its content')

  const headerAt = magic.length + 4
  let at = headerAt + body.readUInt32LE(magic.length)
  const { lengths, ...plain } = JSON.parse(body.toString('utf8', headerAt, at)) as { lengths: number[] }
  const data = vectors.map((name, i) => {
    const end = at + lengths[i]! * 4
    const values = new Float32Array(Uint8Array.from(body.subarray(at, end)).buffer)
    at = end
    return [name, values] as const
  })
  return { ...plain, ...Object.fromEntries(data) } as unknown as Checkpoint
}
