/** The options of `ekya node-agent`, and its configuration: parsed once at the edge into one readonly record. */
import { type Environment, type RawFlags, readOption, unknownArguments } from './config.ts'
import { ConfigError } from './errors.ts'
import { define, type Option } from './option.ts'
import { options as operatorOptions } from './options.ts'
import {
  type HttpAddress,
  type LogLevel,
  oneOf,
  parseBoolean,
  parseFolder,
  parseNodeName,
  parseText,
  parseWhole,
} from './values.ts'

const options = {
  kubeconfig: operatorOptions.kubeconfig,
  nodeName: define<string>({
    flag: 'node-name',
    value: 'NAME',
    description: 'the Node that this agent runs on (required)',
    accepted: 'the name of a Node',
    required: true,
    parse: parseNodeName,
  }),
  allocation: define<'device-plugin' | 'node-status'>({
    flag: 'allocation',
    value: 'WAY',
    description:
      "how shares are advertised: device-plugin (kubelet gives containers all they need), or node-status where kubelet's folder of sockets may not be mounted",
    accepted: 'device-plugin, node-status',
    default: 'device-plugin',
    parse: oneOf(['device-plugin', 'node-status']),
  }),
  devicePluginFolder: define<string>({
    flag: 'device-plugin-folder',
    value: 'FOLDER',
    description: "kubelet's folder of device plugins' sockets",
    accepted: 'an absolute path other than /',
    default: '/var/lib/kubelet/device-plugins',
    parse: parseFolder,
  }),
  mpsFolder: define<string>({
    flag: 'mps-folder',
    value: 'FOLDER',
    description: 'where the pipes of the MPS daemons are kept; the same path here and on the node',
    accepted: 'an absolute path other than /',
    default: '/run/ekya/mps',
    parse: parseFolder,
  }),
  shmFolder: define<string>({
    flag: 'shm-folder',
    value: 'FOLDER',
    description:
      "folder of the node that is this agent's /dev/shm and becomes that of every MPS client (default: none)",
    accepted: 'an absolute path other than /',
    parse: parseFolder,
  }),
  exclusiveMode: define<boolean>({
    flag: 'exclusive-mode',
    description:
      'set the compute mode EXCLUSIVE_PROCESS, so that only MPS clients can use the GPU; without it a process that misses the daemon has the whole GPU',
    accepted: 'true or false',
    default: 'true',
    parse: parseBoolean,
  }),
  besideOtherPlugins: define<boolean>({
    flag: 'beside-other-plugins',
    description: "share GPUs although another device plugin hands out this node's GPUs as well",
    accepted: 'true or false',
    default: 'false',
    parse: parseBoolean,
  }),
  oldestDriver: define<number>({
    flag: 'oldest-driver',
    value: 'MAJOR',
    description: 'oldest major version of the NVIDIA driver that is taken',
    accepted: 'an integer from 1 to 100000',
    default: '550',
    parse: parseWhole(1, 100_000),
  }),
  measureCurve: define<boolean>({
    flag: 'measure-curve',
    description: 'measure once, while the GPU is idle, how fast a training is at each share',
    accepted: 'true or false',
    default: 'true',
    parse: parseBoolean,
  }),
  curveModel: define<string>({
    flag: 'curve-model',
    value: 'FILE',
    description: 'ONNX model whose training is measured (default: a ResNet-18 for 64 × 64 images)',
    accepted: 'the path of an ONNX file',
    parse: parseText,
  }),
  curveFolder: define<string>({
    flag: 'curve-folder',
    value: 'FOLDER',
    description: 'where measured curves are kept',
    accepted: 'an absolute path other than /',
    default: '/var/lib/ekya/curves',
    parse: parseFolder,
  }),
  nvidiaSmi: define<string>({
    flag: 'nvidia-smi',
    value: 'PROGRAM',
    description: "the driver's nvidia-smi",
    accepted: 'a program',
    default: 'nvidia-smi',
    parse: parseText,
  }),
  mpsControl: define<string>({
    flag: 'mps-control',
    value: 'PROGRAM',
    description: "the driver's nvidia-cuda-mps-control",
    accepted: 'a program',
    default: 'nvidia-cuda-mps-control',
    parse: parseText,
  }),
  interval: define<number>({
    flag: 'interval',
    value: 'SECONDS',
    description: 'how often everything is looked at',
    accepted: 'an integer from 1 to 3600',
    default: '5',
    parse: parseWhole(1, 3600),
  }),
  httpAddress: operatorOptions.httpAddress,
  logLevel: operatorOptions.logLevel,
} as const

export const nodeAgentOptions: readonly Option<unknown>[] = Object.values(options)

export interface NodeAgentConfig {
  readonly kubeconfig: string | undefined
  readonly nodeName: string
  readonly allocation: 'device-plugin' | 'node-status'
  readonly devicePluginFolder: string
  readonly mpsFolder: string
  readonly shmFolder: string | undefined
  readonly exclusiveMode: boolean
  readonly besideOtherPlugins: boolean
  readonly oldestDriver: number
  readonly measureCurve: boolean
  readonly curveModel: string | undefined
  readonly curveFolder: string
  readonly nvidiaSmi: string
  readonly mpsControl: string
  readonly intervalSeconds: number
  readonly http: HttpAddress
  readonly logLevel: LogLevel
}

/**
 * @param unknown arguments that no option knows.
 * @throws ConfigError with all problems.
 */
export function parseNodeAgentConfig(
  flags: RawFlags,
  environment: Environment,
  unknown: readonly string[] = [],
): NodeAgentConfig {
  const problems = unknownArguments(unknown)
  const read = <T>(option: Option<T>): T | undefined => readOption(option, flags, environment, problems)
  // Those with a default are there, or a problem.
  const config: NodeAgentConfig = {
    kubeconfig: read(options.kubeconfig),
    nodeName: read(options.nodeName)!,
    allocation: read(options.allocation)!,
    devicePluginFolder: read(options.devicePluginFolder)!,
    mpsFolder: read(options.mpsFolder)!,
    shmFolder: read(options.shmFolder),
    exclusiveMode: read(options.exclusiveMode)!,
    besideOtherPlugins: read(options.besideOtherPlugins)!,
    oldestDriver: read(options.oldestDriver)!,
    measureCurve: read(options.measureCurve)!,
    curveModel: read(options.curveModel),
    curveFolder: read(options.curveFolder)!,
    nvidiaSmi: read(options.nvidiaSmi)!,
    mpsControl: read(options.mpsControl)!,
    intervalSeconds: read(options.interval)!,
    http: read(options.httpAddress)!,
    logLevel: read(options.logLevel)!,
  }
  if (problems.length > 0) throw new ConfigError(problems)
  return Object.freeze(config)
}
