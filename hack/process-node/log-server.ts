/**
 * What `kubectl logs` asks a kubelet for, over HTTPS on the node's address:
 *
 *   GET /containerLogs/<namespace>/<pod>/<container>?follow&previous&tailLines&limitBytes
 *
 * Whoever is on this machine can read it; so they can the log files.
 */
import { createReadStream, existsSync, readFileSync, statSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import { setTimeout as delay } from 'node:timers/promises'
import { selfSigned } from './self-signed.ts'

export interface LogSource {
  /** The container's present log, or the one before its last restart. */
  readonly path: string
  /** Nothing will be added any more. */
  readonly complete: () => boolean
}

export type FindLog = (
  namespace: string,
  pod: string,
  container: string,
  previous: boolean,
) => LogSource | undefined

const pollMs = 200

export function logServer(nodeName: string, address: string, find: FindLog): Server {
  const certificate = selfSigned(nodeName, address, 3650, new Date(Date.now() - 86_400_000))
  return createServer({ ...certificate }, (request, response) => {
    serve(request, response, find).catch((error: Error) => {
      if (!response.headersSent) response.writeHead(500)
      response.end(`${error.message}\n`)
    })
  })
}

async function serve(request: IncomingMessage, response: ServerResponse, find: FindLog): Promise<void> {
  const url = new URL(request.url ?? '/', 'https://node')
  const [, kind, namespace = '', pod = '', container = ''] = url.pathname.split('/').map(decodeURIComponent)
  const flag = (name: string) => ['true', '1'].includes(url.searchParams.get(name) ?? '')
  const number = (name: string) =>
    url.searchParams.has(name) ? Number(url.searchParams.get(name)) : undefined
  const log = kind === 'containerLogs' ? find(namespace, pod, container, flag('previous')) : undefined
  if (!log || !existsSync(log.path)) {
    response
      .writeHead(404)
      .end(`a process node serves logs of its containers only; it has none at ${url.pathname}\n`)
    return
  }
  response.writeHead(200, { 'content-type': 'text/plain' })
  const start = startOfTail(log.path, number('tailLines'))
  const limit = number('limitBytes') ?? Number.POSITIVE_INFINITY
  await send(log, start, limit, flag('follow'), response)
  response.end()
}

async function send(
  log: LogSource,
  start: number,
  limit: number,
  follow: boolean,
  response: ServerResponse,
): Promise<void> {
  const end = start + limit
  let position = start
  for (;;) {
    // Asked before the size is looked at, so that the last lines are not missed.
    const complete = log.complete()
    const size = Math.min(statSync(log.path).size, end)
    if (size > position) {
      for await (const chunk of createReadStream(log.path, { start: position, end: size - 1 })) {
        if (!response.write(chunk))
          await new Promise(resolve => response.once('drain', resolve).once('close', resolve))
        if (response.destroyed) return
      }
      position = size
    }
    if (!follow || complete || position >= end) return
    await delay(pollMs)
    if (response.destroyed) return
  }
}

function startOfTail(path: string, lines: number | undefined): number {
  if (lines === undefined || lines < 0) return 0
  const bytes = readFileSync(path)
  let position = bytes.length
  if (lines === 0) return position
  // A newline at the very end closes the last line, it begins none.
  for (let left = lines, at = bytes.length - 2; at >= 0; at--) {
    if (bytes[at] !== 0x0a || --left > 0) continue
    position = at + 1
    return position
  }
  return 0
}
