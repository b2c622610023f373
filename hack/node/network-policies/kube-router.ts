/**
 * The program `kube-router`, which enforces NetworkPolicies by iptables and ipset, built from its Go module into the cache folder at first
 * use, in the version of go.mod. Only its firewall is run: the node has its own network and kube-proxy.
 */
import { readFileSync } from 'node:fs'
import { arch, platform } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cacheDirectory } from '../../control-plane/binaries.ts'
import { checkGo, goBuild } from '../../control-plane/build.ts'
import { addMissingPrograms, exists } from '../../control-plane/built-programs.ts'
import { serviceNetwork } from '../../control-plane/control-plane.ts'
import { pinnedVersions } from '../../control-plane/versions.ts'
import { installPackages, isOnPath, mayInstall } from '../../testing/debian.ts'
import { NodeError } from '../errors.ts'

const module = fileURLToPath(new URL('.', import.meta.url))
const source = 'github.com/cloudnativelabs/kube-router/v2'

/** @throws NodeError `programs-missing`; ControlPlaneError `go-missing`, `go-too-old`; Error with the last lines of a build that failed */
export async function ensureKubeRouter(
  onProgress: (line: string) => void,
  signal?: AbortSignal,
): Promise<string> {
  if (!isOnPath('ipset') && mayInstall()) await installPackages(['ipset'], onProgress)
  if (!isOnPath('ipset'))
    throw new NodeError(
      'programs-missing',
      'NetworkPolicies need the program ipset, which is not here. On Debian and Ubuntu: apt-get install ipset',
    )
  const version = new RegExp(`${source} v(\\S+)`).exec(readFileSync(join(module, 'go.mod'), 'utf8'))?.[1]
  const directory = join(cacheDirectory(), 'kube-router', `v${version}-${platform()}-${arch()}`)
  const program = join(directory, 'kube-router')
  if (await exists(program)) return program
  await checkGo(pinnedVersions())
  await addMissingPrograms(
    {
      directory,
      names: ['kube-router'],
      onWait: () => onProgress('another process is building kube-router; waiting for it'),
      onMissing: () =>
        onProgress(`building kube-router ${version} into ${directory} (once; some minutes on 2 cores) …`),
      build: (_, path) =>
        goBuild({ source: `${source}/cmd/kube-router`, ldflags: '-s -w', program: path, module }, signal),
    },
    signal,
  )
  return program
}

export interface FirewallSettings {
  readonly kubeconfig: string
  /** The Node's name. */
  readonly node: string
}

/** What it is run with, in the node's namespaces. */
export const firewallArguments = ({ kubeconfig, node }: FirewallSettings): readonly string[] => [
  `--kubeconfig=${kubeconfig}`,
  `--hostname-override=${node}`,
  '--run-firewall=true',
  '--run-router=false',
  '--run-service-proxy=false',
  `--service-cluster-ip-range=${serviceNetwork}`,
  '--health-port=0',
  '--metrics-port=0',
]
