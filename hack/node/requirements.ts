/**
 * What a machine must have for a real node: Linux, root, and some Debian packages. In CI missing packages are installed, elsewhere the
 * error names them.
 */
import { spawnSync } from 'node:child_process'
import { canExecute, installPackages, isOnPath, mayInstall } from '../testing/debian.ts'
import { NodeError } from './errors.ts'

/** Program or file → Debian package that has it. */
const packages: Readonly<Record<string, string>> = {
  containerd: 'containerd',
  ctr: 'containerd',
  runc: 'runc',
  buildah: 'buildah',
  ip: 'iproute2',
  iptables: 'iptables',
  conntrack: 'conntrack',
  dnsmasq: 'dnsmasq-base',
  unshare: 'util-linux',
  nsenter: 'util-linux',
  mount: 'mount',
  '/usr/lib/cni/bridge': 'containernetworking-plugins',
  // Static, so that it runs in an image made of nothing else.
  '/bin/busybox': 'busybox-static',
}

/** Packages whose programs are not there. */
export function missingPackages(
  environment: NodeJS.ProcessEnv = process.env,
  isExecutable = canExecute,
): string[] {
  const found = (name: string): boolean =>
    name.startsWith('/') ? isExecutable(name) : isOnPath(name, environment, isExecutable)
  return [
    ...new Set(
      Object.entries(packages)
        .filter(([name]) => !found(name))
        .map(([, name]) => name),
    ),
  ]
}

/**
 * @throws NodeError `not-linux`, `not-root`, `programs-missing`, `no-namespaces`
 */
export async function ensureRequirements(onProgress: (line: string) => void): Promise<void> {
  if (process.platform !== 'linux')
    throw new NodeError('not-linux', `A real node needs Linux; this is ${process.platform}`)
  if (process.getuid?.() !== 0)
    throw new NodeError(
      'not-root',
      'A real node needs root (containerd and kubelet make mounts, interfaces and control groups)',
    )
  let missing = missingPackages()
  if (missing.length > 0 && mayInstall()) {
    await installPackages(missing, onProgress)
    missing = missingPackages()
  }
  if (missing.length > 0)
    throw new NodeError(
      'programs-missing',
      `A real node needs programs that are not here. On Debian and Ubuntu: apt-get install ${missing.join(' ')}`,
    )
  const probe = spawnSync('unshare', ['--mount', '--net', '--pid', '--fork', 'true'], { encoding: 'utf8' })
  if (probe.status !== 0)
    throw new NodeError('no-namespaces', `This machine lets us make no namespaces: ${probe.stderr.trim()}`)
}
