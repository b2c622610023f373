/**
 * Tells open pages that something has changed, by server-sent events: no content, so that a page fetches what it shows by itself.
 *
 * Changes within `everyMs` are told once, and the pages are told one after the other in that time, so that they do not all fetch
 * themselves at once. Listeners are bounded; who comes too many is refused and shows what it has.
 */
import type { Request, Response } from 'express'

const mostListeners = 64
const heartbeatMs = 20_000

export interface LiveHub {
  changed(): void
  listen(request: Request, response: Response): void
  close(): void
}

export function createLiveHub(everyMs = 2000): LiveHub {
  const listeners = new Set<Response>()
  let waiting: NodeJS.Timeout | undefined
  const tell = (listener: Response): void => {
    if (listeners.has(listener)) listener.write('event: change\ndata: {}\n\n')
  }
  const heartbeat = setInterval(() => {
    for (const listener of listeners) listener.write(': here\n\n')
  }, heartbeatMs).unref()
  return {
    changed() {
      if (listeners.size === 0) return
      waiting ??= setTimeout(() => {
        waiting = undefined
        for (const [i, listener] of [...listeners].entries())
          setTimeout(tell, (i * everyMs) / mostListeners, listener).unref()
      }, everyMs).unref()
    },
    listen(request, response) {
      if (listeners.size >= mostListeners) {
        response
          .status(503)
          .type('text/plain')
          .send(`${mostListeners} pages are live already; reload to see changes\n`)
        return
      }
      response.type('text/event-stream')
      // What has no body would be open for ever.
      if (request.method === 'HEAD') return void response.end()
      response.write('retry: 5000\n\n')
      listeners.add(response)
      request.on('close', () => listeners.delete(response))
    },
    close() {
      clearInterval(heartbeat)
      clearTimeout(waiting)
      for (const listener of listeners) listener.end()
      listeners.clear()
    },
  }
}
