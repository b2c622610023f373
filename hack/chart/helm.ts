/**
 * The program `helm`, built from its Go module into the cache folder at first use (80 s on 2 cores), in the version of go.mod.
 *
 * One on PATH is not taken: what a chart renders to depends on the version.
 */

import { readFileSync } from 'node:fs'
import { arch, platform } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cacheDirectory } from '../control-plane/binaries.ts'
import { checkGo, goBuild } from '../control-plane/build.ts'
import { addMissingPrograms, exists } from '../control-plane/built-programs.ts'
import { pinnedVersions } from '../control-plane/versions.ts'

const modulePath = fileURLToPath(new URL('.', import.meta.url))

export interface HelmVersions {
  /** Without the leading v. */
  readonly helm: string
  /** Minor of Kubernetes that this helm takes a cluster for which it cannot ask, such as 34. */
  readonly kubernetesMinor: string
}

function pinnedHelm(): HelmVersions {
  const goMod = readFileSync(`${modulePath}go.mod`, 'utf8')
  const helm = /helm\.sh\/helm\/v3 v(\S+)/.exec(goMod)?.[1]
  const kubernetesMinor = /k8s\.io\/client-go v0\.(\d+)\./.exec(goMod)?.[1]
  if (helm === undefined || kubernetesMinor === undefined)
    throw new Error('hack/chart/go.mod names no version of helm.sh/helm/v3 or of k8s.io/client-go')
  return { helm, kubernetesMinor }
}

/**
 * Path of the program.
 *
 * @throws ControlPlaneError `go-missing`, `go-too-old`; Error with the last lines of a build that failed
 */
export async function ensureHelm(
  onProgress: (line: string) => void = () => {},
  signal?: AbortSignal,
): Promise<string> {
  const { helm, kubernetesMinor } = pinnedHelm()
  const directory = join(cacheDirectory(), 'helm', `v${helm}-${platform()}-${arch()}`)
  const program = join(directory, 'helm')
  if (await exists(program)) return program
  await checkGo(pinnedVersions())
  const set = (name: string, value: string) => `-X helm.sh/helm/v3/${name}=${value}`
  // Without these it takes every cluster for a Kubernetes 1.20.
  const ldflags = [
    '-s -w',
    set('internal/version.version', `v${helm}`),
    set('pkg/chartutil.k8sVersionMajor', '1'),
    set('pkg/chartutil.k8sVersionMinor', kubernetesMinor),
    set('pkg/lint/rules.k8sVersionMajor', '1'),
    set('pkg/lint/rules.k8sVersionMinor', kubernetesMinor),
  ].join(' ')
  await addMissingPrograms(
    {
      directory,
      names: ['helm'],
      onWait: () => onProgress('another process is building helm; waiting for it'),
      onMissing: () => onProgress(`building helm ${helm} into ${directory} (once; about 80 s on 2 cores) …`),
      build: (_, path) =>
        goBuild({ source: 'helm.sh/helm/v3/cmd/helm', ldflags, program: path, module: modulePath }, signal),
    },
    signal,
  )
  return program
}
