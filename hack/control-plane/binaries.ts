/**
 * Finds the programs of a control plane, or builds them. In this order, for each program by itself:
 *
 *   1. the folder `KUBEBUILDER_ASSETS` names (it usually holds only etcd, kube-apiserver and kubectl),
 *   2. the cache folder,
 *   3. `PATH`,
 *   4. a build from Go modules into the cache folder.
 *
 * Programs of 1 and 3 are taken only in the minor version that this project is tested with: the in-place resize and the CEL rules
 * differ between minors, and a scheduler must not be newer than its API server. The ready-made archive of the controller-runtime
 * project is not downloaded here: this repository names no download host, and whoever has it sets KUBEBUILDER_ASSETS.
 */
import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { buildComponents, run } from './build.ts'
import {
  type ComponentName,
  cacheKey,
  components,
  type NodeComponentName,
  nodeComponents,
  type Program,
  type ProgramName,
  pinnedVersions,
  type Versions,
} from './versions.ts'

export type Binaries = Readonly<Record<ComponentName, string>>
export type NodeBinaries = Readonly<Record<NodeComponentName, string>>

export interface BinaryOptions {
  readonly environment?: NodeJS.ProcessEnv
  readonly onProgress?: (line: string) => void
}

/** Everything that this project keeps outside its checkout. */
export function cacheDirectory(environment: NodeJS.ProcessEnv = process.env): string {
  if (environment.EKYA_CACHE) return environment.EKYA_CACHE
  return join(environment.XDG_CACHE_HOME || join(homedir(), '.cache'), 'ekya-operator')
}

export function binaryDirectory(
  environment: NodeJS.ProcessEnv = process.env,
  versions: Versions = pinnedVersions(),
): string {
  return join(cacheDirectory(environment), 'control-plane', cacheKey(versions))
}

/** What of `names` (default: a control plane's programs) is there without building, and what is not. */
export async function findBinaries<Name extends ProgramName = ComponentName>(
  { environment = process.env, onProgress }: BinaryOptions = {},
  names: readonly Name[] = components.map(({ name }) => name) as Name[],
): Promise<{
  readonly found: Partial<Record<Name, string>>
  readonly missing: readonly Name[]
}> {
  const versions = pinnedVersions()
  const cache = binaryDirectory(environment, versions)
  const assets = environment.KUBEBUILDER_ASSETS
  const path = (environment.PATH ?? '').split(delimiter).filter(folder => folder !== '')
  const found: Partial<Record<Name, string>> = {}
  const missing: Name[] = []
  await Promise.all(
    names.map(async name => {
      if (assets && (await isExecutable(join(assets, name)))) {
        const refusal = await versionRefusal(name, join(assets, name), versions)
        if (refusal === undefined) {
          found[name] = join(assets, name)
          return
        }
        onProgress?.(`not using ${join(assets, name)}: ${refusal}`)
      }
      if (await isExecutable(join(cache, name))) {
        found[name] = join(cache, name)
        return
      }
      for (const folder of path) {
        const candidate = join(folder, name)
        if (
          (await isExecutable(candidate)) &&
          (await versionRefusal(name, candidate, versions)) === undefined
        ) {
          found[name] = candidate
          return
        }
      }
      missing.push(name)
    }),
  )
  return {
    found,
    missing: names.filter(name => missing.includes(name)),
  }
}

/**
 * Finds a control plane's programs, and builds what is missing.
 *
 * @throws ControlPlaneError as buildComponents
 */
export function ensureBinaries(options: BinaryOptions = {}, signal?: AbortSignal): Promise<Binaries> {
  return ensure(components, options, signal)
}

/** The same for a node's programs. */
export function ensureNodeBinaries(options: BinaryOptions = {}, signal?: AbortSignal): Promise<NodeBinaries> {
  return ensure(nodeComponents, options, signal)
}

async function ensure<Name extends ProgramName>(
  programs: readonly Program<Name>[],
  options: BinaryOptions,
  signal?: AbortSignal,
): Promise<Readonly<Record<Name, string>>> {
  const { environment = process.env, onProgress = () => {} } = options
  const names = programs.map(({ name }) => name)
  const { found, missing } = await findBinaries(options, names)
  if (missing.length > 0) {
    const directory = binaryDirectory(environment)
    await buildComponents(missing, directory, pinnedVersions(), onProgress, signal)
    for (const name of missing) found[name] = join(directory, name)
  }
  return found as Record<Name, string>
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  )
}

/** Undefined when the program may be used. */
async function versionRefusal(
  name: ProgramName,
  path: string,
  versions: Versions,
): Promise<string | undefined> {
  const args = name === 'kubectl' ? ['version', '--client'] : ['--version']
  const output = await run(path, args).catch((error: Error) => error.message)
  const version = /v?(\d+\.\d+\.\d+)/.exec(output)?.[1]
  if (version === undefined) return 'it does not say its version'
  const accepted = name === 'etcd' ? versions.etcd : versions.kubernetes
  const minor = (full: string) => full.split('.').slice(0, 2).join('.')
  return minor(version) === minor(accepted) ? undefined : `it is ${version}; accepted is ${minor(accepted)}.x`
}
