/**
 * The configuration of `ekya operator`: parsed once at the edge into one readonly record.
 *
 * A flag wins over its environment variable, which wins over the default. An unknown flag is refused; other variables that
 * begin with EKYA_ are not, because workers have theirs and Kubernetes adds some for every Service whose name begins so.
 */

import type { GpuOptions } from '../sharing/gpu-options.ts'
import { ConfigError, type ConfigProblem } from './errors.ts'
import type { Option } from './option.ts'
import { options } from './options.ts'
import type { HttpAddress, LogLevel, Toleration, Volume } from './values.ts'

export interface OperatorConfig {
  /** File; absent: $KUBECONFIG, ~/.kube/config, or the pod's service account. */
  readonly kubeconfig?: string
  /** Namespaces that are watched; empty: all. */
  readonly namespaces: readonly string[]
  readonly storage: StorageConfig
  readonly workerImage: string
  /** Taints that worker pods tolerate. */
  readonly workerTolerations: readonly Toleration[]
  readonly http: HttpAddress
  readonly leaderElection: {
    readonly enabled: boolean
    /** Namespace of the Lease. */
    readonly namespace: string
  }
  readonly logLevel: LogLevel
  readonly seed: number
  /** `all`, or the only sharing backend whose nodes are used. */
  readonly backend: string
  /** Of backends for real GPUs. */
  readonly gpus: GpuOptions
}

export interface StorageConfig {
  /** Volume source as in a pod's spec. */
  readonly source: Volume['source']
  /** Where the worker pods mount it. */
  readonly mountPath: string
  /** Where this process would see it. */
  readonly folder: string
}

/** Flags as the command line gives them, by option name. */
export type RawFlags = Readonly<Record<string, string | readonly string[] | boolean | undefined>>
export type Environment = Readonly<Record<string, string | undefined>>

/**
 * @param unknown arguments that no option knows.
 * @throws ConfigError with all problems.
 */
export function parseOperatorConfig(
  flags: RawFlags,
  environment: Environment,
  unknown: readonly string[] = [],
): OperatorConfig {
  const problems = unknownArguments(unknown)
  const read = <T>(option: Option<T>): T | undefined => readOption(option, flags, environment, problems)

  const kubeconfig = read(options.kubeconfig)
  const namespaces = read(options.namespace) ?? []
  const storage = read(options.storage)
  const mountPath = read(options.storageMountPath)
  const folder = read(options.storageFolder)
  const workerImage = read(options.workerImage)
  const workerTolerations = read(options.workerToleration) ?? []
  const http = read(options.httpAddress)
  const leaderElect = read(options.leaderElect)
  const leaseNamespace = read(options.leaseNamespace)
  const logLevel = read(options.logLevel)
  const seed = read(options.seed)
  const backend = read(options.backend)
  const gpus = {
    backend: read(options.gpuBackend),
    runtimeClass: read(options.gpuRuntimeClass),
    cpu: read(options.gpuPodCpu),
    memory: read(options.gpuPodMemory),
    unitsResource: read(options.unitsResource),
    unitsPerGpu: read(options.unitsPerGpu),
    slicesResource: read(options.slicesResource),
    slicesPerGpu: read(options.slicesPerGpu),
    kaiQueue: read(options.kaiQueue),
  }

  if (problems.length > 0) throw new ConfigError(problems)
  return Object.freeze({
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
    namespaces,
    storage: {
      source: storage!.source,
      mountPath: mountPath ?? storage!.mountPath,
      folder: folder ?? mountPath ?? storage!.mountPath,
    },
    workerImage: workerImage!,
    workerTolerations,
    http: http!,
    leaderElection: {
      enabled: leaderElect!,
      namespace: leaseNamespace ?? environment.POD_NAMESPACE ?? 'default',
    },
    logLevel: logLevel!,
    seed: seed!,
    backend: backend!,
    gpus: {
      defaultBackend: gpus.backend!,
      ...(gpus.runtimeClass === 'none' ? {} : { runtimeClass: gpus.runtimeClass! }),
      podResources: { cpu: gpus.cpu!, memory: gpus.memory! },
      units: {
        resource: gpus.unitsResource!,
        ...(gpus.unitsPerGpu === undefined ? {} : { perGpu: gpus.unitsPerGpu }),
      },
      slices: {
        resource: gpus.slicesResource!,
        ...(gpus.slicesPerGpu === undefined ? {} : { perGpu: gpus.slicesPerGpu }),
      },
      ...(gpus.kaiQueue === undefined ? {} : { kaiQueue: gpus.kaiQueue }),
    },
  })
}

export function unknownArguments(unknown: readonly string[]): ConfigProblem[] {
  return (
    unknown
      // What follows an unknown option is its value, and no fault of its own.
      .filter((argument, i) => argument.startsWith('-') || !unknown[i - 1]?.startsWith('-'))
      .map(argument => ({
        where: argument,
        message: `is no known ${argument.startsWith('-') ? 'option' : 'argument'}`,
      }))
  )
}

/** The value, or undefined where there is none or where it is a problem. */
export function readOption<T>(
  option: Option<T>,
  flags: RawFlags,
  environment: Environment,
  problems: ConfigProblem[],
): T | undefined {
  const flag = flags[option.name]
  // An empty variable counts as unset: that is how shells and charts write "nothing".
  const variable = environment[option.variable] || undefined
  const [where, text] =
    flag !== undefined
      ? [`--${option.flag}`, typeof flag === 'boolean' ? String(flag) : flag]
      : variable !== undefined
        ? [option.variable, option.repeatable ? variable.split(',') : variable]
        : ['', option.default]
  if (text === undefined) {
    if (option.required) {
      problems.push({
        where: `--${option.flag}`,
        message: `is missing (or ${option.variable}); accepted: ${option.accepted}`,
      })
    }
    return undefined
  }
  const value = option.parse(text as never)
  if (value !== undefined) return value
  problems.push({ where, message: `${JSON.stringify(text)} is not accepted; accepted: ${option.accepted}` })
  return undefined
}
