/**
 * A backend: how the share of a "GPU" becomes a pod's resources on one kind of node, and how it is read back.
 *
 * The only place where Kubernetes resources and shares meet. Everything above thinks in shares (fractions of one
 * physical GPU), everything below in quantities. Backends are pure: raw JSON of nodes and pods in, plain data out.
 */
import type { Device, WorkerRole } from '../api/worker.ts'
import type { Amount, OrderLimits } from './swap-order.ts'

/** Label of a node: which backend shares its GPUs. A node without it offers those that its node agent tells of, by the default backend. */
export const backendLabel = 'ekya.dev/sharing-backend'

/** One physical GPU, or what stands for one. */
export interface SiteGpu {
  readonly node: string
  /** Unique on the node. */
  readonly gpu: string
  readonly device: Device
  /** Device memory that pods may have together; absent: not known, and not accounted for. */
  readonly memoryMiB?: number
  /** Of the node: streams may ask for some. */
  readonly labels?: Readonly<Record<string, string>>
  /** Name of the backend that shares it; absent: the one that the node's label names. */
  readonly backend?: string
  /** Smallest share difference that is worth making on it; absent: the backend's. */
  readonly granularity?: number
  /** What one pod can hold at most; absent: all of it. */
  readonly largestShare?: number
  /** How trainings fare on it; absent: as the backend says. */
  readonly training?: TrainingTraits
  /** Why all its clients have to go before it serves again, as a sentence. */
  readonly fault?: string
  /** It has had its fault for so long that its streams are better off elsewhere. */
  readonly faultLasts?: true
  /** Of a real GPU. */
  readonly facts?: GpuFacts
}

/** What backends of real GPUs know of one. */
export interface GpuFacts {
  /** Whole units that pods may hold for good: a share of 1. */
  readonly steadyUnits: number
  /** Units that all pods may hold together while shares are being changed. */
  readonly totalUnits: number
  /** Pods at once. */
  readonly clients: number
  readonly uuid?: string
  readonly model?: string
  readonly multiprocessors?: number
  /** Device memory that goes with a unit, MiB; absent: not known. */
  readonly unitMiB?: number
  /** The extended resource of its units, where that is the GPU's own. */
  readonly resource?: string
  /** Of its MPS daemon; absent: kubelet gives containers what they need. */
  readonly daemon?: { readonly pipeDirectory: string; readonly shmDirectory?: string }
}

/** The parts of core/v1 Node that backends look at. */
export interface RawNode {
  readonly metadata?: {
    readonly name?: string
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
  }
  readonly spec?: { readonly unschedulable?: boolean }
  readonly status?: {
    readonly allocatable?: Readonly<Record<string, string>>
    readonly nodeInfo?: { readonly kubeletVersion?: string }
    readonly conditions?: readonly {
      readonly type: string
      readonly status: string
      readonly reason?: string
      readonly message?: string
    }[]
  }
}

export interface EnvironmentVariable {
  readonly name: string
  readonly value: string
}

export interface RawResources {
  readonly requests?: Readonly<Record<string, string>>
  readonly limits?: Readonly<Record<string, string>>
}

/** The parts of core/v1 Pod that backends look at. */
export interface RawPod {
  readonly metadata?: {
    readonly name?: string
    readonly namespace?: string
    readonly uid?: string
    readonly annotations?: Readonly<Record<string, string>>
  }
  readonly spec?: {
    readonly nodeName?: string
    readonly containers?: readonly {
      readonly name: string
      readonly resources?: RawResources
      readonly env?: readonly { readonly name: string; readonly value?: string }[]
    }[]
  }
  readonly status?: {
    readonly phase?: string
    readonly reason?: string
    readonly message?: string
    readonly conditions?: readonly {
      readonly type: string
      readonly status: string
      readonly reason?: string
      readonly message?: string
    }[]
    readonly containerStatuses?: readonly {
      readonly name: string
      readonly resources?: RawResources
      readonly allocatedResources?: Readonly<Record<string, string>>
    }[]
  }
}

/** What a share adds to a worker pod. */
export interface RenderedShare {
  // Of the worker container. Requests equal limits: the scheduler's accounting is then ours.
  readonly resources: {
    readonly requests: Readonly<Record<string, string>>
    readonly limits: Readonly<Record<string, string>>
  }
  readonly env?: readonly EnvironmentVariable[]
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[]
  // Of the pod.
  readonly volumes?: readonly (Readonly<Record<string, unknown>> & { readonly name: string })[]
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly runtimeClassName?: string
  readonly schedulerName?: string
  readonly hostIPC?: boolean
  /** User id that all clients of the GPU have in common. */
  readonly runAsUser?: number
  /** How long a client gets to let go of the GPU before it is killed, seconds; absent: the usual. */
  readonly graceSeconds?: number
}

/** What a worker tells of the GPU that it sees. */
export interface WorkerDevice {
  readonly multiprocessors?: number
}

export interface ShareReading {
  /** What spec asks for. */
  readonly desired: number
  /** What the node enforces, as far as it has reported it; equal to `desired` until it first reports, 0 once the pod has ended. */
  readonly actual: number
  /** A resize is under way or pending. */
  readonly resizing: boolean
  /** Why a resize does not get on, as a sentence. */
  readonly problem?: string
}

/** How trainings fare with the shares of a backend, which plans reckon with. */
export interface TrainingTraits {
  /** [share, speed relative to a whole GPU], rising to [1, 1], or flat from the largest share on that a pod can hold; absent: speed = share. */
  readonly throughputCurve?: readonly (readonly [number, number])[]
  /** How long a training stands still when its share changes. */
  readonly resizeSeconds: number
}

/** What all backends have in common. */
interface CommonBackend {
  readonly name: string
  readonly training: TrainingTraits
  /** Smallest share difference that the backend can express. */
  readonly granularity: number
  /** The GPUs that a node offers through this backend; none for a node that is not labelled for it or cannot run pods. */
  discover(node: RawNode): readonly SiteGpu[]
  /** Why GPUs of a node that is meant for this backend are left out: one sentence each, with what is accepted. Absent: none ever are. */
  refusals?(node: RawNode): readonly string[]
  /**
   * @param memory device memory that is set aside as well, as a quantity; absent: what goes with the share, if anything does.
   * @param role what the pod is for; default inference, which goes before the others.
   * @throws SharingError `share-out-of-range` unless 0 < share ≤ the largest that a pod can hold; `memory-out-of-range`.
   */
  render(share: number, gpu: SiteGpu, memory?: string, role?: WorkerRole): RenderedShare
  read(pod: RawPod, gpu: SiteGpu): ShareReading
  /** What is wrong with what a worker sees of its GPU, as a sentence; undefined: nothing, as far as can be told. */
  verify?(pod: RawPod, gpu: SiteGpu, device: WorkerDevice): string | undefined
}

/** A share follows the pod's own resources while it runs. */
export interface InPlaceBackend extends CommonBackend {
  readonly resizes: 'in-place'
  /** Body of a strategic merge patch of the pod's `resize` subresource. */
  resizePatch(pod: RawPod, share: number, gpu: SiteGpu): object
}

/** A share can be changed only by a new pod, which starts beside the old one. */
export interface ReplacingBackend extends CommonBackend {
  readonly resizes: 'replace'
  /** From making a new pod to its first frame, seconds, as long as none was measured. */
  readonly swapSeconds: number
  /**
   * What may be on this GPU at once: the node advertises `totalUnits`, of which the operator gives `steadyUnits` away for good; the rest is
   * for pods that take over.
   */
  limits(gpu: SiteGpu): OrderLimits
  /** What a new pod of this share will count. @throws SharingError as `render`. */
  amount(share: number, gpu: SiteGpu, memory?: string): Amount
  /** What a pod counts that exists, as it was made; also before it is bound and after it has ended. */
  amountOf(pod: RawPod, gpu: SiteGpu): Amount
}

export type Backend = InPlaceBackend | ReplacingBackend

export type SharingErrorCode =
  | 'share-out-of-range'
  | 'memory-out-of-range'
  | 'unknown-backend'
  | 'bad-quantity'
  | 'no-worker-container'
  | 'resize-failed'

export class SharingError extends Error {
  readonly code: SharingErrorCode
  readonly retryable: boolean

  constructor(
    code: SharingErrorCode,
    message: string,
    options: { cause?: unknown; retryable?: boolean } = {},
  ) {
    super(message, { cause: options.cause })
    this.name = 'SharingError'
    this.code = code
    this.retryable = options.retryable ?? false
  }
}
