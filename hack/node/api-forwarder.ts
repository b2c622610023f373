/**
 * Lets a node and its pods reach an API server that listens on this machine's loopback address only: bytes in, bytes out, so that TLS
 * stays between the two ends.
 */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export interface ApiForwarder {
  readonly port: number
  close(): void
}

export function forwardApi(listenAddress: string, server: URL): Promise<ApiForwarder> {
  const sockets = new Set<Socket>()
  const keep = (socket: Socket, other: () => Socket): void => {
    sockets.add(socket)
    socket.setNoDelay(true)
    socket.on('error', () => {})
    socket.on('close', () => {
      sockets.delete(socket)
      other().destroy()
    })
  }
  const listener = createServer(incoming => {
    const outgoing = connect(Number(server.port || 443), server.hostname.replace(/^\[|\]$/g, ''))
    keep(incoming, () => outgoing)
    keep(outgoing, () => incoming)
    incoming.pipe(outgoing).pipe(incoming)
  })
  return new Promise((resolve, reject) => {
    listener.on('error', reject)
    listener.listen(0, listenAddress, () =>
      resolve({
        port: (listener.address() as AddressInfo).port,
        close() {
          listener.close()
          for (const socket of sockets) socket.destroy()
        },
      }),
    )
  })
}
