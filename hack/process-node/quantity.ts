/** Kubernetes quantities (`250m`, `1.5`, `64Mi`, `1e3`) as plain numbers. */

const suffixes: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
}

/** Undefined stays undefined; what is no quantity throws (the API server has let it through, so that it cannot happen). */
export function parseQuantity(text: string): number
export function parseQuantity(text: string | undefined): number | undefined
export function parseQuantity(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const match = /^([+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?)([numkMGTPE]?|[KMGTPE]i)$/.exec(text)
  const value = match ? Number(match[1]) * suffixes[match[2] as string]! : Number.NaN
  if (Number.isNaN(value))
    throw new RangeError(`${JSON.stringify(text)} is no quantity; accepted are e.g. 250m, 1.5, 64Mi`)
  return value
}

/** Whole millicores, e.g. 1.5 → 1500m. */
export const formatCores = (cores: number): string => `${Math.floor(cores * 1000 + 1e-6)}m`
