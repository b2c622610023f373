/**
 * Names of Services for a node's pods: dnsmasq answers from a folder of hosts files that it watches. Records are those of the last
 * `publish`; only Services with an address of their own have any.
 */
import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { KubernetesObject } from '../control-plane/api-client.ts'

interface Service extends KubernetesObject {
  readonly spec: { readonly clusterIP?: string }
}

/** The command that serves on `address` from `folder`, in the foreground. */
export function namesCommand(folder: string, address: string): readonly string[] {
  mkdirSync(folder, { recursive: true, mode: 0o755 })
  return [
    'dnsmasq',
    '--keep-in-foreground',
    '--conf-file=/dev/null',
    '--pid-file=',
    '--user=root',
    '--log-facility=-',
    '--bind-interfaces',
    `--listen-address=${address}`,
    '--except-interface=lo',
    // Nothing is asked elsewhere: what is not in the folder does not exist.
    '--no-resolv',
    '--no-hosts',
    '--local=/local/svc/',
    `--hostsdir=${folder}`,
  ]
}

export function hostsOf(services: readonly Service[]): string {
  const known = services.filter(({ spec: { clusterIP = 'None' } }) => /^[0-9.]+$/.test(clusterIP))
  return known
    .map(({ metadata: { name, namespace }, spec }) => {
      const short = `${name}.${namespace}.svc`
      return `${spec.clusterIP} ${short}.cluster.local ${short}\n`
    })
    .join('')
}

export function writeNames(folder: string, services: readonly Service[]): void {
  // The name of a hidden file is passed over, so that no half is read.
  const partial = join(folder, '.services')
  writeFileSync(partial, hostsOf(services))
  renameSync(partial, join(folder, 'services'))
}
