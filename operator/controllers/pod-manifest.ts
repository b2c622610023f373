/**
 * Manifests of worker pods. Names are deterministic, so that the API server refuses a second pod of the same purpose.
 * A pod is pinned to its node by affinity and bound by the real kube-scheduler, so that Kubernetes' own accounting holds.
 */
import { createHash } from 'node:crypto'
import type { CameraStream, RetrainingWindow } from '../api/generated/types.ts'
import {
  generationLabel,
  gpuAnnotation,
  inferencePodName,
  managedByLabel,
  managedByValue,
  nodeAnnotation,
  podNameOf,
  profilePodName,
  retrainingWindowLabel,
  roleLabel,
  standbyAnnotation,
  streamLabel,
  templateAnnotation,
  trainingPodName,
  windowIndexLabel,
} from '../api/names.ts'
import {
  configVariable,
  type InferenceWorkerConfig,
  type ProfileWorkerConfig,
  podAddressVariable,
  type TrainingWorkerConfig,
  type WorkerConfiguration,
  workerPort,
} from '../api/worker.ts'
import { ownerReference } from '../kube/objects.ts'
import type { Backend, SiteGpu } from '../sharing/backend.ts'
import { workerContainer } from '../sharing/worker-container.ts'

export interface PodOptions {
  readonly image: string
  readonly storage: StorageVolume
  /** Taints of nodes, beside what every pod tolerates; as in a pod's spec. */
  readonly tolerations?: readonly object[]
}

export interface StorageVolume {
  /** Volume source as in a pod's spec, for example `{hostPath: {path}}`. */
  readonly source: Readonly<Record<string, unknown>>
  readonly mountPath: string
}

export interface PodRequest<Config extends WorkerConfiguration = WorkerConfiguration> {
  readonly config: Config
  readonly stream: CameraStream
  readonly window: RetrainingWindow
  readonly share: number
  readonly gpu: SiteGpu
  /** Which pod of its purpose it is, from 1 (default). */
  readonly generation?: number
}

/** Seconds that a worker gets to finish what it is at (a training writes its checkpoint) before it is killed, where the backend asks for no more. */
const usualGraceSeconds = 10

/** Group of a claim's files: whatever user the image has, which is not root, it can write to them. A hostPath is left as it is. */
const storageGroup = 65532

export function podManifest(
  request: PodRequest,
  backend: Backend,
  options: PodOptions,
): Record<string, unknown> {
  const { config, stream, window, gpu, generation = 1 } = request
  const longLived = config.role === 'inference'
  const memory = longLived ? deviceMemory(stream) : undefined
  const rendered = backend.render(request.share, gpu, memory, config.role)
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: podNameOf(workerName(config), generation),
      namespace: stream.metadata.namespace,
      labels: {
        [managedByLabel]: managedByValue,
        [streamLabel]: config.stream,
        [roleLabel]: config.role,
        [retrainingWindowLabel]: window.metadata.name,
        ...(longLived ? {} : { [windowIndexLabel]: String(config.window) }),
        ...(generation === 1 ? {} : { [generationLabel]: String(generation) }),
        ...rendered.labels,
      },
      annotations: {
        [nodeAnnotation]: gpu.node,
        [gpuAnnotation]: gpu.gpu,
        ...(longLived ? { [templateAnnotation]: templateHash(config, stream, options) } : {}),
        ...(longLived && config.standby === true ? { [standbyAnnotation]: 'true' } : {}),
        ...rendered.annotations,
      },
      // A stream's inference outlives the window that governs it; profile and training pods make no sense without it.
      ownerReferences: [ownerReference(longLived ? stream : window)],
    },
    spec: {
      restartPolicy: restartPolicy(longLived, backend),
      terminationGracePeriodSeconds: rendered.graceSeconds ?? usualGraceSeconds,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      ...(rendered.runtimeClassName === undefined ? {} : { runtimeClassName: rendered.runtimeClassName }),
      ...(rendered.schedulerName === undefined ? {} : { schedulerName: rendered.schedulerName }),
      ...(rendered.hostIPC === undefined ? {} : { hostIPC: rendered.hostIPC }),
      affinity: pinnedTo(gpu.node),
      tolerations: [
        ...staying,
        ...(gpu.device.kind === 'cuda' ? [gpuNodes] : []),
        ...(options.tolerations ?? []),
      ],
      securityContext: {
        runAsNonRoot: true,
        fsGroup: storageGroup,
        fsGroupChangePolicy: 'OnRootMismatch',
        ...(rendered.runAsUser === undefined ? {} : { runAsUser: rendered.runAsUser }),
        seccompProfile: { type: 'RuntimeDefault' },
      },
      containers: [
        {
          name: workerContainer,
          image: options.image,
          command: ['ekya', 'worker', config.role],
          env: [
            { name: configVariable, value: JSON.stringify(config) },
            { name: podAddressVariable, valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
            ...(rendered.env ?? []),
          ],
          ports: [{ name: 'http', containerPort: workerPort }],
          resources: rendered.resources,
          securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
          volumeMounts: [
            { name: 'storage', mountPath: options.storage.mountPath },
            ...(rendered.volumeMounts ?? []),
          ],
          ...(longLived ? probes : {}),
        },
      ],
      volumes: [{ name: 'storage', ...options.storage.source }, ...(rendered.volumes ?? [])],
    },
  }
}

/** Changes of the model, configuration or window reach a running pod over HTTP; a change of anything else needs a new pod. */
export function templateHash(
  config: InferenceWorkerConfig,
  stream: CameraStream,
  options: PodOptions,
): string {
  const {
    model: _model,
    configuration: _configuration,
    window: _window,
    standby: _standby,
    generation: _generation,
    ...fixed
  } = config
  return createHash('sha256')
    .update(JSON.stringify([fixed, options, deviceMemory(stream)]))
    .digest('hex')
    .slice(0, 16)
}

function restartPolicy(longLived: boolean, { resizes }: Backend): string {
  if (!longLived) return 'Never'
  // A pod that has handed over ends by itself and is not to come back.
  return resizes === 'replace' ? 'OnFailure' : 'Always'
}

export const deviceMemory = ({ spec }: CameraStream): string | undefined =>
  spec.memory === undefined ? undefined : String(spec.memory)

function workerName(config: InferenceWorkerConfig | ProfileWorkerConfig | TrainingWorkerConfig): string {
  switch (config.role) {
    case 'inference':
      return inferencePodName(config.stream)
    case 'profile':
      return profilePodName(config.stream, config.window)
    case 'training':
      return trainingPodName(config.stream, config.window)
  }
}

function pinnedTo(node: string): object {
  return {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [node] }] }],
      },
    },
  }
}

/** Where pods go when their node is lost is the operator's to decide: one that is cut off for an hour may serve all the while. */
const staying = ['not-ready', 'unreachable'].map(name => ({
  key: `node.kubernetes.io/${name}`,
  operator: 'Exists',
  effect: 'NoExecute',
}))

/**
 * GPU nodes are tainted so that other pods stay away. Kubernetes lets pods in that ask for `nvidia.com/gpu` where the admission plugin
 * ExtendedResourceToleration is on; ours ask for other resources, or for none. The chart's node agent tolerates the same.
 */
const gpuNodes = { key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' }

// A worker on a small share answers late without being broken: the probes are patient.
const probes = {
  readinessProbe: {
    httpGet: { path: '/readyz', port: 'http' },
    periodSeconds: 1,
    timeoutSeconds: 5,
    failureThreshold: 5,
  },
  livenessProbe: {
    httpGet: { path: '/healthz', port: 'http' },
    initialDelaySeconds: 30,
    periodSeconds: 10,
    timeoutSeconds: 10,
    failureThreshold: 6,
  },
}
