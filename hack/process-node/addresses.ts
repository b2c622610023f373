/**
 * Loopback addresses for pods: 127.42.x.y, where x belongs to one process node of this machine and y to one pod.
 *
 * A node holds its x by its server's listening on 127.42.x.1; the kernel gives it back when the node ends, however it ends.
 */
import type { Server } from 'node:https'

export const nodePort = 10250

export interface AddressBook {
  /** The node's own address, and the host address of its pods. */
  readonly hostIP: string
  /** Prefers `wanted` when it is one of ours and free. Throws when all are taken. */
  allocate(wanted?: string): string
  release(address: string): void
  close(): Promise<void>
}

/** @throws Error when all 250 subnets are taken, or this system has no such addresses */
export async function openAddressBook(
  preferred: number,
  createServer: (hostIP: string) => Server,
): Promise<AddressBook> {
  const count = 250
  for (let i = 0; i < count; i++) {
    const subnet = 1 + ((preferred + i) % count)
    const hostIP = `127.42.${subnet}.1`
    const server = await tryListen(createServer(hostIP), hostIP)
    if (server) return addressBook(subnet, hostIP, server)
  }
  throw new Error(`All of 127.42.1.1 to 127.42.${count}.1 are in use on port ${nodePort}`)
}

function addressBook(subnet: number, hostIP: string, server: Server): AddressBook {
  const used = new Set<string>()
  let next = 2
  return {
    hostIP,
    allocate(wanted) {
      if (wanted?.startsWith(`127.42.${subnet}.`) && !used.has(wanted)) {
        used.add(wanted)
        return wanted
      }
      // Goes round, so that an address rests a while before another pod gets it.
      for (let i = 0; i < 253; i++) {
        const address = `127.42.${subnet}.${next}`
        next = next === 254 ? 2 : next + 1
        if (used.has(address)) continue
        used.add(address)
        return address
      }
      throw new Error(`All addresses of 127.42.${subnet}.0/24 are in use`)
    },
    release: address => void used.delete(address),
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function tryListen(server: Server, host: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error),
    )
    server.listen(nodePort, host, () => resolve(server))
  })
}
