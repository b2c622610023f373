/**
 * Kubernetes cpu quantities ↔ whole millicores.
 *
 * Accepts what the API server accepts for cpu: a decimal number with an optional suffix (n, u, m, k, M, G) or exponent.
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
