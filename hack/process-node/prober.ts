/**
 * One probe of one running container, by Kubernetes' rules: first after `initialDelaySeconds`, then every `periodSeconds`; a result
 * counts after `successThreshold` or `failureThreshold` equal outcomes in a row.
 */
import { spawn } from 'node:child_process'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { ContainerSpec, Probe } from './pod.ts'

export interface ProbeTarget {
  readonly address: string
  readonly container: ContainerSpec
  /** For exec probes; the limits of the container do not bind them. */
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
}

export interface ProbeResult {
  readonly healthy: boolean
  /** Of the last attempt, for people. */
  readonly message: string
}

/** Calls `onResult` whenever the result changes, the first time included. Ends with the signal. */
export async function runProbe(
  probe: Probe,
  target: ProbeTarget,
  onResult: (result: ProbeResult) => void,
  signal: AbortSignal,
): Promise<void> {
  const period = 1000 * (probe.periodSeconds ?? 10)
  let healthy: boolean | undefined
  let row = 0
  let previous: boolean | undefined
  const pause = (ms: number) => delay(ms, undefined, { signal }).catch(() => {})
  await pause(1000 * (probe.initialDelaySeconds ?? 0))
  while (!signal.aborted) {
    const started = performance.now()
    const outcome = await attempt(probe, target, signal)
    if (signal.aborted) return
    row = outcome.healthy === previous ? row + 1 : 1
    previous = outcome.healthy
    const threshold = outcome.healthy ? (probe.successThreshold ?? 1) : (probe.failureThreshold ?? 3)
    if (row >= threshold && outcome.healthy !== healthy) {
      healthy = outcome.healthy
      onResult(outcome)
    }
    await pause(Math.max(0, period - (performance.now() - started)))
  }
}

async function attempt(probe: Probe, target: ProbeTarget, signal: AbortSignal): Promise<ProbeResult> {
  const timeoutMs = 1000 * (probe.timeoutSeconds ?? 1)
  const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
  try {
    if (probe.httpGet) return await httpProbe(probe.httpGet, target, limit)
    if (probe.tcpSocket) return await tcpProbe(probe.tcpSocket, target, limit)
    if (probe.exec) return await execProbe(probe.exec.command ?? [], target, limit)
    return { healthy: true, message: 'no action' }
  } catch (error) {
    const message = limit.aborted ? `no answer within ${timeoutMs} ms` : (error as Error).message
    return { healthy: false, message }
  }
}

function portOf(port: number | string, container: ContainerSpec): number {
  if (typeof port === 'number') return port
  const named = container.ports?.find(({ name }) => name === port)
  if (!named) throw new Error(`container ${container.name} has no port named ${port}`)
  return named.containerPort
}

function httpProbe(
  action: NonNullable<Probe['httpGet']>,
  target: ProbeTarget,
  signal: AbortSignal,
): Promise<ProbeResult> {
  const secure = action.scheme === 'HTTPS'
  const options = {
    host: action.host ?? target.address,
    port: portOf(action.port, target.container),
    path: action.path ?? '/',
    headers: {
      'user-agent': 'kube-probe/1.35',
      connection: 'close',
      ...Object.fromEntries((action.httpHeaders ?? []).map(({ name, value }) => [name, value])),
    },
    agent: false as const,
    signal,
  }
  return new Promise((resolve, reject) => {
    // As for a kubelet, a probe does not check certificates.
    const request = secure ? httpsRequest({ ...options, rejectUnauthorized: false }) : httpRequest(options)
    request
      .on('response', response => {
        response.resume()
        const status = response.statusCode ?? 0
        resolve({ healthy: status >= 200 && status < 400, message: `GET ${options.path} answered ${status}` })
      })
      .on('error', reject)
      .end()
  })
}

function tcpProbe(
  action: NonNullable<Probe['tcpSocket']>,
  target: ProbeTarget,
  signal: AbortSignal,
): Promise<ProbeResult> {
  return new Promise((resolve, reject) => {
    const port = portOf(action.port, target.container)
    const socket = connect({ host: action.host ?? target.address, port, signal })
    socket
      .on('connect', () => {
        socket.destroy()
        resolve({ healthy: true, message: `connected to port ${port}` })
      })
      .on('error', reject)
  })
}

function execProbe(
  command: readonly string[],
  target: ProbeTarget,
  signal: AbortSignal,
): Promise<ProbeResult> {
  return new Promise((resolve, reject) => {
    const [program = 'false', ...args] = command
    const options = {
      env: { ...target.env },
      cwd: target.cwd,
      signal,
      killSignal: 'SIGKILL',
      stdio: 'ignore',
    } as const
    spawn(program, args, options)
      .on('error', reject)
      .on('exit', (code, by) =>
        resolve({ healthy: code === 0, message: `${program} ended with ${by ?? `status ${code}`}` }),
      )
  })
}
