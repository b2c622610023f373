/**
 * Kubernetes quantities: cpu ↔ whole millicores, memory → MiB.
 *
 * Accepts what the API server accepts: a decimal number with an optional suffix (cpu: n, u, m, k, M, G; memory: also T, P, E and Ki to
 * Ei) or exponent.
 */
import { SharingError } from './backend.ts'

const quantity = /^\+?(\d+(?:\.\d*)?|\.\d+)(n|u|m|k|M|G|[eE][+-]?\d+)?$/
const factors: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
}

/** Millicores, not rounded. @throws SharingError `bad-quantity`. */
export function parseMillicores(text: string): number {
  const match = quantity.exec(text)
  if (!match) {
    throw new SharingError(
      'bad-quantity',
      `"${text}" is no cpu quantity; accepted: 1, 0.5, 500m and the like`,
    )
  }
  const [, number, suffix = ''] = match
  const factor = suffix === '' ? 1 : (factors[suffix] ?? Number(`1${suffix}`))
  return Number(number) * factor * 1000
}

export function formatMillicores(millicores: number): string {
  return `${Math.trunc(millicores)}m`
}

const memoryQuantity = /^\+?(\d+(?:\.\d*)?|\.\d+)([KMGTPE]i|m|k|M|G|T|P|E|[eE][+-]?\d+)?$/
const mebi = 2 ** 20

/** MiB, not rounded. @throws SharingError `bad-quantity`. */
export function parseMiB(text: string): number {
  const match = memoryQuantity.exec(text)
  if (!match)
    throw new SharingError(
      'bad-quantity',
      `"${text}" is no memory quantity; accepted: 512Mi, 2Gi, 500M, 1e9 and the like`,
    )
  const [, number, suffix = ''] = match
  return (Number(number) * memoryFactor(suffix)) / mebi
}

function memoryFactor(suffix: string): number {
  if (suffix === '') return 1
  if (suffix.endsWith('i')) return 2 ** (10 * ('KMGTPE'.indexOf(suffix[0]!) + 1))
  const decimal = 'kMGTPE'.indexOf(suffix)
  if (decimal >= 0) return 1000 ** (decimal + 1)
  return suffix === 'm' ? 1e-3 : Number(`1${suffix}`)
}
