/** The agent's own Node in the API: what it reads of it and the two things it writes. */
import { gpuInventoryAnnotation } from '../../operator/api/gpu-inventory.ts'
import type { KubeObject } from '../../operator/kube/objects.ts'
import { nodes } from '../../operator/kube/resources.ts'
import type { Transport } from '../../operator/kube/transport.ts'

export interface NodeReading {
  /** Text of the annotation; undefined: there is none. */
  readonly inventory: string | undefined
  readonly capacity: Readonly<Record<string, string>>
  readonly allocatable: Readonly<Record<string, string>>
}

export interface NodeObject {
  /** @throws KubeError */
  read(signal?: AbortSignal): Promise<NodeReading>
  writeInventory(text: string, signal?: AbortSignal): Promise<void>
  /** Sets quantities in `status.capacity`, from which kubelet makes `allocatable`; what it does not name stays. */
  writeCapacity(quantities: Readonly<Record<string, string>>, signal?: AbortSignal): Promise<void>
}

interface RawNode extends KubeObject {
  readonly status?: {
    readonly capacity?: Readonly<Record<string, string>>
    readonly allocatable?: Readonly<Record<string, string>>
  }
}

const fieldManager = 'ekya-node-agent'

export function nodeObject(transport: Transport, name: string): NodeObject {
  const at = { name }
  return {
    async read(signal) {
      const node = await transport.get<RawNode>(nodes, at, {}, signal)
      return {
        inventory: node.metadata.annotations?.[gpuInventoryAnnotation],
        capacity: node.status?.capacity ?? {},
        allocatable: node.status?.allocatable ?? {},
      }
    },
    async writeInventory(text, signal) {
      const body = { metadata: { annotations: { [gpuInventoryAnnotation]: text } } }
      await transport.patch(nodes, at, 'merge', body, { fieldManager }, signal)
    },
    async writeCapacity(quantities, signal) {
      const body = { status: { capacity: quantities } }
      await transport.patch(nodes, at, 'merge', body, { fieldManager, subresource: 'status' }, signal)
    },
  }
}
