/**
 * Which programs make a control plane and a node, and in which versions. `go.mod` is the only place that names a version.
 */
import { readFileSync } from 'node:fs'
import { arch, platform } from 'node:os'
import { fileURLToPath } from 'node:url'

export const modulePath = fileURLToPath(new URL('.', import.meta.url))

export interface Program<Name extends string = ProgramName> {
  readonly name: Name
  readonly package: string
}

export type ComponentName =
  | 'etcd'
  | 'kube-apiserver'
  | 'kube-controller-manager'
  | 'kube-scheduler'
  | 'kubectl'

export type NodeComponentName = 'kubelet' | 'kube-proxy'

export type ProgramName = ComponentName | NodeComponentName

/** In the order in which they are built: the slowest first among those that share most of their packages. */
export const components: readonly Program<ComponentName>[] = [
  { name: 'etcd', package: 'go.etcd.io/etcd/server/v3' },
  { name: 'kube-apiserver', package: 'k8s.io/kubernetes/cmd/kube-apiserver' },
  { name: 'kube-controller-manager', package: 'k8s.io/kubernetes/cmd/kube-controller-manager' },
  { name: 'kube-scheduler', package: 'k8s.io/kubernetes/cmd/kube-scheduler' },
  { name: 'kubectl', package: 'k8s.io/kubernetes/cmd/kubectl' },
]

/** What a real node (hack/node) needs besides; built only for it. */
export const nodeComponents: readonly Program<NodeComponentName>[] = [
  { name: 'kubelet', package: 'k8s.io/kubernetes/cmd/kubelet' },
  { name: 'kube-proxy', package: 'k8s.io/kubernetes/cmd/kube-proxy' },
]

export interface Versions {
  /** Without the leading v, e.g. 1.35.4. */
  readonly kubernetes: string
  readonly etcd: string
  /** The oldest Go that builds them, e.g. 1.25.0. */
  readonly go: string
}

/** @throws Error when go.mod lacks one of the three lines. */
export function parseVersions(goMod: string): Versions {
  const find = (pattern: RegExp, what: string): string => {
    const version = pattern.exec(goMod)?.[1]
    if (version === undefined) throw new Error(`hack/control-plane/go.mod names no version of ${what}`)
    return version
  }
  return {
    kubernetes: find(/^\s*(?:require )?k8s\.io\/kubernetes v(\S+)/m, 'k8s.io/kubernetes'),
    etcd: find(/^\s*(?:require )?go\.etcd\.io\/etcd\/server\/v3 v(\S+)/m, 'go.etcd.io/etcd/server/v3'),
    go: find(/^go (\S+)/m, 'Go'),
  }
}

export function pinnedVersions(): Versions {
  return parseVersions(readFileSync(`${modulePath}go.mod`, 'utf8'))
}

/** The folder's name in the cache: another version, system or processor never finds these programs. */
export function cacheKey(versions: Versions): string {
  return `v${versions.kubernetes}-etcd-v${versions.etcd}-${platform()}-${arch()}`
}

/** Numeric comparison of the first three dotted numbers; missing ones count as 0. */
export function compareVersions(a: string, b: string): number {
  const numbers = (version: string) => version.split(/[.+-]/).map(part => Number.parseInt(part, 10) || 0)
  const left = numbers(a)
  const right = numbers(b)
  for (let i = 0; i < 3; i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0)
    if (difference !== 0) return Math.sign(difference)
  }
  return 0
}
