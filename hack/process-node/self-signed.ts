/**
 * A self-signed TLS certificate for one address, made without openssl: Node can sign but not write certificates, so the few DER
 * structures of X.509 (RFC 5280, §4.1) are put together here.
 */
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'

export interface ServingCertificate {
  /** PEM. */
  readonly key: string
  readonly cert: string
}

const tags = {
  integer: 0x02,
  bits: 0x03,
  octets: 0x04,
  oid: 0x06,
  utf8: 0x0c,
  time: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const
const context = (number: number): number => 0xa0 | number

export function selfSigned(
  commonName: string,
  address: string,
  days: number,
  from: Date,
): ServingCertificate {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const algorithm = der(tags.sequence, der(tags.oid, oid([1, 2, 840, 10045, 4, 3, 2]))) // ecdsa-with-SHA256
  const attribute = der(
    tags.sequence,
    der(tags.oid, oid([2, 5, 4, 3])),
    der(tags.utf8, Buffer.from(commonName)),
  )
  const name = der(tags.sequence, der(tags.set, attribute))
  const until = new Date(from.getTime() + days * 86_400_000)
  const alternativeName = der(
    tags.sequence,
    der(tags.oid, oid([2, 5, 29, 17])),
    der(tags.octets, der(tags.sequence, der(0x87, Buffer.from(address.split('.').map(Number))))),
  )
  const body = der(
    tags.sequence,
    der(context(0), der(tags.integer, Buffer.from([2]))), // version 3
    der(tags.integer, Buffer.concat([Buffer.from([1]), randomBytes(15)])), // positive, as it must be
    algorithm,
    name,
    der(tags.sequence, time(from), time(until)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(context(3), der(tags.sequence, alternativeName)),
  )
  const signature = Buffer.concat([Buffer.from([0]), sign('sha256', body, privateKey)])
  const certificate = der(tags.sequence, body, algorithm, der(tags.bits, signature))
  const lines = certificate
    .toString('base64')
    .match(/.{1,64}/g)!
    .join('\n')
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
  }
}

function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts)
  const { length } = content
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}

/** Base 128, most significant first; the first two numbers share a byte. */
function oid([first = 0, second = 0, ...rest]: readonly number[]): Buffer {
  const bytes = rest.flatMap(value => {
    const digits = [value & 0x7f]
    for (let left = value >> 7; left > 0; left >>= 7) digits.unshift((left & 0x7f) | 0x80)
    return digits
  })
  return Buffer.from([first * 40 + second, ...bytes])
}

const time = (date: Date): Buffer =>
  der(tags.time, Buffer.from(`${date.toISOString().replace(/[-:T]/g, '').slice(0, 14)}Z`))
