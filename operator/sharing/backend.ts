/**
 * A backend: how the share of a "GPU" becomes a pod's resources on one kind of node, and how it is read back.
 *
 * The only place where Kubernetes resources and shares meet. Everything above thinks in shares (fractions of one
 * physical GPU), everything below in quantities. Backends are pure: raw JSON of nodes and pods in, plain data out.
 */
import type { Device } from '../api/worker.ts'
import type { Amount, OrderLimits } from './swap-order.ts'

/** The container of a worker pod that the share belongs to. */
export const workerContainer = 'worker'

/** Label of a node: which backend shares its GPUs. A node without it offers none. */
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
}

/** The parts of core/v1 Node that backends look at. */
export interface RawNode {
  readonly metadata?: { readonly name?: string; readonly labels?: Readonly<Record<string, string>> }
  readonly spec?: { readonly unschedulable?: boolean }
  readonly status?: { readonly allocatable?: Readonly<Record<string, string>> }
}

export interface RawResources {
  readonly requests?: Readonly<Record<string, string>>
  readonly limits?: Readonly<Record<string, string>>
}

/** The parts of core/v1 Pod that backends look at. */
export interface RawPod {
  readonly metadata?: { readonly name?: string; readonly namespace?: string; readonly uid?: string }
  readonly spec?: {
    readonly nodeName?: string
    readonly containers?: readonly { readonly name: string; readonly resources?: RawResources }[]
  }
  readonly status?: {
    readonly phase?: string
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

/** What a pod's worker container gets. Requests equal limits: the scheduler's accounting is then ours. */
export interface RenderedShare {
  readonly resources: {
    readonly requests: Readonly<Record<string, string>>
    readonly limits: Readonly<Record<string, string>>
  }
  readonly env?: readonly { readonly name: string; readonly value: string }[]
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
  /** [share, speed relative to a whole GPU], rising to [1, 1]; absent: speed = share. */
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
  /**
   * @param memory device memory that is set aside as well, as a quantity; absent: none is accounted for.
   * @throws SharingError `share-out-of-range` unless 0 < share ≤ 1.
   */
  render(share: number, gpu: SiteGpu, memory?: string): RenderedShare
  read(pod: RawPod, gpu: SiteGpu): ShareReading
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
