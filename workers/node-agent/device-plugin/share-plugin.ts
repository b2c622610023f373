/**
 * The device plugin of one GPU over all its lives. `check` is to be called about once a second.
 *
 *   out ──listen, Register──▶ registered ──kubelet's ListAndWatch──▶ watched
 *    ▲                            │                                    │
 *    └──kubelet.sock is another, or our own socket is gone; or nobody watches for `unwatchedMs`──┘
 *
 * A kubelet that starts empties its folder of sockets and knows no plugin any more, so that a plugin must listen and register again.
 */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../../operator/kube/clock.ts'
import { messageOf } from '../errors.ts'
import type { SharedGpu } from './allocation.ts'
import { kubeletSocket } from './messages.ts'
import { type PluginEvents, type PluginServer, servePlugin } from './plugin-server.ts'
import { register } from './registration.ts'

export interface SharePluginOptions extends PluginEvents {
  /** kubelet's folder of sockets, /var/lib/kubelet/device-plugins. */
  readonly folder: string
  readonly resource: string
  readonly gpu: SharedGpu
  readonly clock: Clock
  onRegister?(): void
}

/** A kubelet that took a plugin opens ListAndWatch at once. */
const unwatchedMs = 10_000

interface Life {
  readonly server: PluginServer
  readonly kubelet: string
  readonly own: string
  watchedMs: number
}

export class SharePlugin {
  readonly #options: SharePluginOptions
  readonly #endpoint: string
  #life: Life | undefined
  #healthy = false
  #checking: Promise<void> | undefined
  #problem: string | undefined = 'it has not registered yet'

  constructor(options: SharePluginOptions) {
    this.#options = options
    this.#endpoint = `ekya-gpu${options.gpu.index}-share.sock`
  }

  /** Why kubelet does not know of the units, as a sentence; undefined: it does. */
  get problem(): string | undefined {
    return this.#problem
  }

  setHealthy(healthy: boolean): void {
    this.#healthy = healthy
    this.#life?.server.setHealthy(healthy)
  }

  /** Never rejects; what is wrong stands in `problem`. A call while one is under way is that one. */
  check(): Promise<void> {
    this.#checking ??= this.#check().finally(() => (this.#checking = undefined))
    return this.#checking
  }

  async #check(): Promise<void> {
    try {
      if (this.#life && !(await this.#goesOn(this.#life))) await this.#end()
      this.#life ??= await this.#begin()
      this.#problem = undefined
    } catch (error) {
      this.#problem = messageOf(error)
    }
  }

  async stop(): Promise<void> {
    await this.#checking
    await this.#end()
    this.#problem = 'it has been stopped'
  }

  async #begin(): Promise<Life> {
    const { folder, gpu, resource, clock, onRegister } = this.#options
    const kubelet = await identity(join(folder, kubeletSocket))
    if (kubelet === undefined)
      throw new Error(`${join(folder, kubeletSocket)} is not there: kubelet is not up`)
    const socket = join(folder, this.#endpoint)
    const server = await servePlugin(socket, gpu, this.#healthy, this.#options)
    try {
      await register(folder, this.#endpoint, resource)
      const own = await identity(socket)
      if (own === undefined) throw new Error(`${socket} was taken away while it registered`)
      onRegister?.()
      return { server, kubelet, own, watchedMs: clock.monotonicMs() }
    } catch (error) {
      await server.close()
      throw error
    }
  }

  async #goesOn(life: Life): Promise<boolean> {
    const { folder, clock } = this.#options
    const now = clock.monotonicMs()
    if (life.server.watchers > 0) life.watchedMs = now
    return (
      (await identity(join(folder, kubeletSocket))) === life.kubelet &&
      (await identity(join(folder, this.#endpoint))) === life.own &&
      now - life.watchedMs < unwatchedMs
    )
  }

  async #end(): Promise<void> {
    const life = this.#life
    this.#life = undefined
    await life?.server.close()
  }
}

/** Tells one socket file from the next at the same path. */
async function identity(path: string): Promise<string | undefined> {
  try {
    const { dev, ino, birthtimeMs } = await stat(path)
    return `${dev}:${ino}:${birthtimeMs}`
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
