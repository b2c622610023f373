/**
 * Builds control plane programs from their Go modules into the cache folder. No code of ours, no download besides Go modules.
 */
import { spawn } from 'node:child_process'
import { addMissingPrograms } from './built-programs.ts'
import { ControlPlaneError } from './errors.ts'
import {
  compareVersions,
  components,
  modulePath,
  nodeComponents,
  type ProgramName,
  type Versions,
} from './versions.ts'

const goAdvice = (needed: string) =>
  `Go ${needed} or newer is needed to build the Kubernetes control plane: https://go.dev/dl/ ` +
  '(or the package manager: apt-get install golang-go, dnf install golang, brew install go). ' +
  'Without Go, point KUBEBUILDER_ASSETS at a folder with etcd, kube-apiserver, kube-controller-manager, kube-scheduler and kubectl.'

/**
 * @throws ControlPlaneError `go-missing`, `go-too-old`
 */
export async function checkGo(versions: Versions): Promise<void> {
  let output: string
  try {
    output = await run('go', ['env', 'GOVERSION', 'GOTOOLCHAIN'])
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      throw new ControlPlaneError('go-missing', `The program "go" was not found. ${goAdvice(versions.go)}`)
    }
    // Outside of our module folder `go env` never fails for version reasons; inside it does when the toolchain is fixed.
    throw new ControlPlaneError('go-too-old', `${(error as Error).message}\n${goAdvice(versions.go)}`, {
      cause: error,
    })
  }
  const [version = '', toolchain = ''] = output.trim().split('\n')
  const found = version.replace(/^go/, '')
  if (compareVersions(found, versions.go) >= 0) return
  // From Go 1.21 on, an older Go fetches the toolchain that go.mod asks for, unless it was told not to.
  if (compareVersions(found, '1.21.0') >= 0 && toolchain !== 'local') return
  throw new ControlPlaneError(
    'go-too-old',
    `The Go on this machine is ${found || 'too old to say its version'}. ${goAdvice(versions.go)}`,
  )
}

/**
 * Builds those of `names` that `directory` lacks.
 *
 * @throws ControlPlaneError `go-missing`, `go-too-old`, `build-failed`
 */
export async function buildComponents(
  names: readonly ProgramName[],
  directory: string,
  versions: Versions,
  onProgress: (line: string) => void,
  signal?: AbortSignal,
): Promise<void> {
  await checkGo(versions)
  let missing: readonly string[] = []
  await addMissingPrograms(
    {
      directory,
      names,
      onWait: () => onProgress('another process is building the control plane; waiting for it'),
      onMissing(found) {
        missing = found
        onProgress(
          `building ${missing.length} programs of Kubernetes ${versions.kubernetes} into ${directory} (once; the control plane takes about 6 minutes on 2 cores, 2 GB of disk with Go's cache)`,
        )
      },
      async build(name, path) {
        const started = performance.now()
        onProgress(`building ${name} (${missing.indexOf(name) + 1} of ${missing.length}) …`)
        await buildOne(name, path, versions, signal)
        onProgress(`built ${name} in ${Math.round((performance.now() - started) / 1000)} s`)
      },
    },
    signal,
  )
}

async function buildOne(name: string, path: string, versions: Versions, signal?: AbortSignal): Promise<void> {
  const [major, minor] = versions.kubernetes.split('.')
  const version = 'k8s.io/component-base/version'
  const ldflags = `-s -w -X ${version}.gitVersion=v${versions.kubernetes} -X ${version}.gitMajor=${major} -X ${version}.gitMinor=${minor}`
  const source = [...components, ...nodeComponents].find(program => program.name === name)!.package
  try {
    await goBuild({ source, ldflags, program: path, module: modulePath }, signal)
  } catch (error) {
    signal?.throwIfAborted()
    throw new ControlPlaneError(
      'build-failed',
      `Building ${name} failed: ${(error as Error).message}\nThe build needs Go modules: check that "go env GOPROXY" is reachable, or set it.`,
      { retryable: true, cause: error },
    )
  }
}

export interface GoBuild {
  /** The package, as an import path. */
  readonly source: string
  readonly ldflags: string
  /** The file that is written. */
  readonly program: string
  /** Folder of the go.mod that pins what is built. */
  readonly module: string
}

/** A program without cgo that is the same wherever it is built. @throws Error with the last lines of a build that failed. */
export async function goBuild(
  { source, ldflags, program, module }: GoBuild,
  signal?: AbortSignal,
): Promise<void> {
  const reproducible = ['-trimpath', '-mod=readonly', '-buildvcs=false']
  await run('go', ['build', ...reproducible, '-ldflags', ldflags, '-o', program, source], {
    cwd: module,
    env: { ...process.env, CGO_ENABLED: '0', GOWORK: 'off' },
    signal,
  })
}

interface RunOptions {
  readonly cwd?: string
  readonly env?: NodeJS.ProcessEnv
  readonly signal?: AbortSignal | undefined
}

/** Standard output; on failure an error with the last lines of standard error. */
export function run(
  command: string,
  args: readonly string[],
  { cwd, env, signal }: RunOptions = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env, signal, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    let errors = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors = (errors + text).slice(-8192)
    })
    child.on('error', reject)
    child.on('close', (code, killedBy) => {
      if (code === 0) return resolve(output)
      const lines = errors.trim().split('\n').slice(-20).join('\n')
      reject(new Error(`${command} ${args[0] ?? ''} ended with ${killedBy ?? `status ${code}`}\n${lines}`))
    })
  })
}
