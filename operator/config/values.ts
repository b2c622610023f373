/** How the texts of flags and variables are read. Each parser gives undefined for what it does not accept. */
import { isAbsolute, normalize } from 'node:path'
import { parseMiB, parseMillicores } from '../sharing/quantity.ts'

export interface Volume {
  readonly source:
    | { readonly hostPath: { readonly path: string; readonly type: 'DirectoryOrCreate' } }
    | { readonly persistentVolumeClaim: { readonly claimName: string } }
  readonly mountPath: string
}

export interface HttpAddress {
  /** Absent: all addresses. */
  readonly host?: string
  /** 0: any free port. */
  readonly port: number
}

export const logLevels = ['debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof logLevels)[number]

const claimMountPath = '/var/lib/ekya'
const dnsLabel = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/
const dnsSubdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/

/** `hostPath:/folder`, which is mounted at the same path, or `pvc:name`. */
export function parseStorage(text: string): Volume | undefined {
  const colon = text.indexOf(':')
  const [kind, rest] = colon < 0 ? ['', ''] : [text.slice(0, colon), text.slice(colon + 1)]
  if (kind === 'hostPath') {
    const path = parseFolder(rest)
    return path === undefined
      ? undefined
      : { source: { hostPath: { path, type: 'DirectoryOrCreate' } }, mountPath: path }
  }
  if (kind === 'pvc' && rest.length <= 253 && dnsSubdomain.test(rest)) {
    return { source: { persistentVolumeClaim: { claimName: rest } }, mountPath: claimMountPath }
  }
  return undefined
}

/** An absolute path other than the root, without a slash at its end. */
export function parseFolder(text: string): string | undefined {
  if (!isAbsolute(text)) return undefined
  const path = normalize(text).replace(/\/+$/, '')
  return path === '' ? undefined : path
}

/** `host:port`, `[v6]:port` or `:port`. */
export function parseAddress(text: string): HttpAddress | undefined {
  const [, v6, name, digits] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]*)):([0-9]{1,5})$/.exec(text) ?? []
  const port = Number(digits)
  if (digits === undefined || port > 65_535) return undefined
  const host = v6 ?? name
  return host ? { host, port } : { port }
}

export function parseNamespaces(names: string | readonly string[]): readonly string[] | undefined {
  const list = [names].flat()
  return list.every(name => dnsLabel.test(name)) ? [...new Set(list)].sort() : undefined
}

export function parseNamespace(name: string): string | undefined {
  return dnsLabel.test(name) ? name : undefined
}

/** No attempt to judge registries: what no container runtime could take is refused. */
export function parseImage(text: string): string | undefined {
  return /^[a-z0-9][-a-zA-Z0-9._/:@]*$/.test(text) && text.length <= 512 ? text : undefined
}

/** As in a pod's spec. */
export interface Toleration {
  readonly key: string
  readonly operator: 'Exists' | 'Equal'
  readonly value?: string
  /** Absent: whatever the taint does. */
  readonly effect?: string
}

const labelName = '[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?'
const taint = new RegExp(
  `^((?:[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?/)?${labelName})(=(?:${labelName})?)?(?::(NoSchedule|PreferNoSchedule|NoExecute))?$`,
)

/** Taints as `kubectl taint` takes them: `KEY[=VALUE][:EFFECT]`; without a value, whatever it is. */
export function parseTolerations(texts: string | readonly string[]): readonly Toleration[] | undefined {
  const parsed = [texts].flat().map((text): Toleration | undefined => {
    const [, key, value, effect] = taint.exec(text) ?? []
    if (key === undefined) return undefined
    return {
      key,
      ...(value === undefined ? { operator: 'Exists' } : { operator: 'Equal', value: value.slice(1) }),
      ...(effect === undefined ? {} : { effect }),
    }
  })
  return parsed.every(each => each !== undefined) ? parsed : undefined
}

/** Of an object that has a DNS name. */
export function parseName(name: string): string | undefined {
  return dnsSubdomain.test(name) && name.length <= 253 ? name : undefined
}

/** An extended resource: a domain and a name. */
export function parseResource(text: string): string | undefined {
  const [, domain, name] = /^([^/]+)\/([^/]+)$/.exec(text) ?? []
  if (domain === undefined || name === undefined) return undefined
  return dnsSubdomain.test(domain) &&
    domain.length <= 253 &&
    /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/.test(name)
    ? text
    : undefined
}

/** An integer in a range. */
export function parseCount(least: number, most: number): (text: string) => number | undefined {
  return text => {
    const value = Number(text)
    return /^[0-9]{1,9}$/.test(text) && value >= least && value <= most ? value : undefined
  }
}

export const parseCpu = (text: string): string | undefined => aboveZero(text, parseMillicores)
export const parseMemory = (text: string): string | undefined => aboveZero(text, parseMiB)

function aboveZero(text: string, parse: (text: string) => number): string | undefined {
  try {
    return parse(text) > 0 ? text : undefined
  } catch {
    return undefined
  }
}

export function parseBoolean(text: string): boolean | undefined {
  return text === 'true' ? true : text === 'false' ? false : undefined
}

export function parseSeed(text: string): number | undefined {
  const value = Number(text)
  return /^[0-9]{1,10}$/.test(text) && value <= 2_147_483_647 ? value : undefined
}

/** An integer within bounds, both included. */
export function parseWhole(least: number, most: number): (text: string) => number | undefined {
  return text => {
    const value = Number(text)
    return /^[0-9]{1,10}$/.test(text) && value >= least && value <= most ? value : undefined
  }
}

export function parseNodeName(name: string): string | undefined {
  return name.length <= 253 && dnsSubdomain.test(name) ? name : undefined
}

export function parseText(text: string): string | undefined {
  return text === '' ? undefined : text
}

export function oneOf<const T extends string>(words: readonly T[]): (text: string) => T | undefined {
  return text => words.find(word => word === text)
}
