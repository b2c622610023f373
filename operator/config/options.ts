/**
 * The options of `ekya operator`: one descriptor each, from which come the command line's help, the environment variables, the
 * checks and the record.
 */
import { backends } from '../sharing/backends/registry.ts'
import { gpuOptions } from './gpu-options.ts'
import { define, type Option } from './option.ts'
import {
  type HttpAddress,
  type LogLevel,
  logLevels,
  oneOf,
  parseAddress,
  parseBoolean,
  parseFolder,
  parseImage,
  parseNamespace,
  parseNamespaces,
  parseSeed,
  parseStorage,
  parseText,
  parseTolerations,
  type Toleration,
  type Volume,
} from './values.ts'
import { packageVersion } from './version.ts'

export const options = {
  kubeconfig: define<string>({
    flag: 'kubeconfig',
    value: 'FILE',
    description:
      "how to reach the cluster; without it $KUBECONFIG, ~/.kube/config, or the pod's service account",
    accepted: 'the path of a kubeconfig file',
    parse: parseText,
  }),
  namespace: define<readonly string[]>({
    flag: 'namespace',
    value: 'NAME',
    description: 'watch this namespace only; may be repeated (default: all namespaces)',
    accepted: "namespace names (lower-case letters, digits and '-', at most 63 characters)",
    repeatable: true,
    parse: parseNamespaces,
  }),
  storage: define<Volume>({
    flag: 'storage',
    value: 'VOLUME',
    description: 'where samples, models and checkpoints are kept: hostPath:/folder or pvc:NAME (required)',
    accepted: 'hostPath:/absolute/folder or pvc:NAME',
    required: true,
    parse: parseStorage,
  }),
  storageMountPath: define<string>({
    flag: 'storage-mount-path',
    value: 'FOLDER',
    description: 'where worker pods see the storage (default: the hostPath itself, /var/lib/ekya for a pvc)',
    accepted: 'an absolute path other than /',
    parse: parseFolder,
  }),
  storageFolder: define<string>({
    flag: 'storage-folder',
    value: 'FOLDER',
    description:
      'where the operator itself sees the storage, read-only suffices; the dashboard shows frames from it (default: as worker pods see it)',
    accepted: 'an absolute path other than /',
    parse: parseFolder,
  }),
  workerImage: define<string>({
    flag: 'worker-image',
    value: 'IMAGE',
    description: 'container image of the worker pods',
    accepted: 'an image reference, such as registry.example.org/ekya-worker:0.1.0',
    default: `ekya-worker:${packageVersion}`,
    parse: parseImage,
  }),
  workerToleration: define<readonly Toleration[]>({
    flag: 'worker-toleration',
    value: 'TAINT',
    description:
      'a taint of nodes that worker pods tolerate, KEY[=VALUE][:EFFECT]; may be repeated (pods on GPUs tolerate nvidia.com/gpu:NoSchedule in any case)',
    accepted:
      'KEY, KEY=VALUE, KEY:EFFECT or KEY=VALUE:EFFECT, with NoSchedule, PreferNoSchedule or NoExecute',
    repeatable: true,
    parse: parseTolerations,
  }),
  httpAddress: define<HttpAddress>({
    flag: 'http-address',
    value: 'ADDRESS',
    description: 'where metrics, probes and the dashboard are served',
    accepted: 'host:port, [IPv6]:port or :port, with a port from 0 to 65535',
    default: ':8080',
    parse: parseAddress,
  }),
  leaderElect: define<boolean>({
    flag: 'leader-elect',
    description: 'act only while holding the Lease, so that several replicas may run',
    accepted: 'true or false',
    default: 'true',
    parse: parseBoolean,
  }),
  leaseNamespace: define<string>({
    flag: 'lease-namespace',
    value: 'NAME',
    description: 'namespace of the Lease (default: $POD_NAMESPACE, else default)',
    accepted: "a namespace name (lower-case letters, digits and '-', at most 63 characters)",
    parse: parseNamespace,
  }),
  logLevel: define<LogLevel>({
    flag: 'log-level',
    value: 'LEVEL',
    description: `${logLevels.join(', ')}`,
    accepted: logLevels.join(', '),
    default: 'info',
    parse: oneOf(logLevels),
  }),
  seed: define<number>({
    flag: 'seed',
    value: 'NUMBER',
    description: 'seed of everything random, so that a run can be repeated',
    accepted: 'an integer from 0 to 2147483647',
    default: '1',
    parse: parseSeed,
  }),
  backend: define<string>({
    flag: 'backend',
    value: 'NAME',
    description: 'all, or the only sharing backend whose nodes are used',
    accepted: ['all', ...backends.map(({ name }) => name)].join(', '),
    default: 'all',
    parse: oneOf(['all', ...backends.map(({ name }) => name)]),
  }),
  ...gpuOptions,
} as const

export const allOptions: readonly Option<unknown>[] = Object.values(options)
