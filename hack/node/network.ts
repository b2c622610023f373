/**
 * Connects a node's network to the machine's: a pair of interfaces, the node's address on its end, and a route to its pods.
 *
 * The interface's name decides who has which addresses: `ekya3` holds 10.243.3.0/24 (1 the machine, 2 the node) and 10.244.3.0/24 for
 * pods, and the kernel lets only one have a name. It goes with the namespace.
 */
import { run } from '../control-plane/build.ts'
import { NodeError } from './errors.ts'
import type { NodeNamespace } from './namespace.ts'

export interface NodeNetwork {
  readonly interface: string
  readonly machineAddress: string
  readonly nodeAddress: string
  /** CIDR. */
  readonly pods: string
  close(): Promise<void>
}

const most = 64

/** @throws NodeError `start-failed` */
export async function connectNetwork(namespace: NodeNamespace): Promise<NodeNetwork> {
  for (let index = 0; index < most; index++) {
    const name = `ekya${index}`
    try {
      await run('ip', [
        ...['link', 'add', name, 'type', 'veth'],
        ...['peer', 'name', 'eth0', 'netns', String(namespace.pid)],
      ])
    } catch (error) {
      if ((error as Error).message.includes('File exists')) continue
      throw new NodeError('start-failed', `No interface for the node: ${(error as Error).message}`)
    }
    const machineAddress = `10.243.${index}.1`
    const nodeAddress = `10.243.${index}.2`
    const pods = `10.244.${index}.0/24`
    const close = async () => {
      // The kernel removes it a moment after the namespace; whichever comes first.
      await run('ip', ['link', 'del', name]).catch(() => {})
    }
    try {
      await namespace.run(['ip', 'addr', 'add', `${nodeAddress}/24`, 'dev', 'eth0'])
      await namespace.run(['ip', 'link', 'set', 'eth0', 'up'])
      await namespace.run(['ip', 'route', 'add', 'default', 'via', machineAddress])
      await run('ip', ['addr', 'add', `${machineAddress}/24`, 'dev', name])
      await run('ip', ['link', 'set', name, 'up'])
      await run('ip', ['route', 'add', pods, 'via', nodeAddress])
    } catch (error) {
      await close()
      throw new NodeError('start-failed', `The node's network: ${(error as Error).message}`)
    }
    return { interface: name, machineAddress, nodeAddress, pods, close }
  }
  throw new NodeError(
    'start-failed',
    `All of ekya0 to ekya${most - 1} are in use; each is a node's interface`,
  )
}
