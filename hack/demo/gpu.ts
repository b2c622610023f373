/**
 * The demo on this machine's NVIDIA GPU: `--gpu`. The process node's pods become clients of CUDA MPS, and the node agent runs beside it as a
 * process and writes down what there is. Only kubelet, and with it the device plugin, is missing: pods get GPU and share by their environment.
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { backendLabel } from '../../operator/sharing/backend.ts'
import { processGuard } from '../control-plane/guard.ts'
import { largePages, missingProvider } from '../gpu/cuda-provider.ts'
import { canMountElsewhere } from '../process-node/mounts.ts'

/** What one window asks of a GPU by far exceeds what a camera does: a rate that people know from cameras. */
export const frameRateOnGpu = 10
/** What labelling and micro-profiles may take of the GPU together. */
export const labelingShareOnGpu = 0.3
/** A daemon has to start, and CUDA to be asked for its multiprocessors. */
const agentDeadlineMs = 60_000
/** It ends its daemon first. */
const graceMs = 20_000

/** Sentences, each with what helps; none where the demo can have the GPU. */
export function gpuProblems(): readonly string[] {
  const isThere = (program: string) => spawnSync('which', [program]).status === 0
  const provider = missingProvider()
  return [
    ...(isThere('nvidia-smi') ? [] : ['nvidia-smi is missing: install the NVIDIA driver']),
    ...(isThere('nvidia-cuda-mps-control')
      ? []
      : ['nvidia-cuda-mps-control is missing: it comes with the driver (Debian: nvidia-cuda-mps)']),
    ...(canMountElsewhere() ? [] : ['pods get the pipes of MPS as mounts, which takes root']),
    ...(provider === undefined ? [] : [provider]),
  ]
}

/** Labels of the node whose pods share the GPU. */
export const gpuNodeLabels = { [backendLabel]: 'mps' } as const

/** What an image for GPUs would bring along. */
export const gpuImageEnv = (repository: string): Record<string, string> => ({
  EKYA_SM_COUNT_PROGRAM: join(repository, 'workers/runtime/sm-count.ts'),
  ...largePages,
  ...(process.env.LD_LIBRARY_PATH ? { LD_LIBRARY_PATH: process.env.LD_LIBRARY_PATH } : {}),
})

/** Cores of each pod: inference, training and profile of every camera fit twice, since a share changes by a second pod. */
export const gpuOperatorOptions = (cores: number, cameras: number): readonly string[] => [
  ...['--gpu-runtime-class', 'none'],
  ...['--gpu-pod-cpu', `${Math.max(50, Math.floor((cores * 1000) / (4 * cameras)))}m`],
]

export interface NodeAgentProcess {
  stop(): Promise<void>
}

/** Resolves when the MPS daemon serves. @throws Error with the end of its log. */
export async function startNodeAgent(
  options: {
    readonly repository: string
    readonly kubeconfig: string
    readonly nodeName: string
    readonly port: number
    /** Of the run; gets log, pipes and curves. */
    readonly folder: string
  },
  signal?: AbortSignal,
): Promise<NodeAgentProcess> {
  const logFile = join(options.folder, 'node-agent.log')
  const log = openSync(logFile, 'a')
  const child = spawn(
    process.execPath,
    [
      ...[join(options.repository, 'operator/cli/ekya.ts'), 'node-agent'],
      ...['--kubeconfig', options.kubeconfig, '--node-name', options.nodeName],
      // The compute mode of a machine that others use as well stays as it is.
      ...['--allocation', 'node-status', '--no-exclusive-mode', '--no-measure-curve'],
      ...['--mps-folder', join(options.folder, 'mps'), '--curve-folder', join(options.folder, 'curves')],
      ...['--http-address', `127.0.0.1:${options.port}`, '--interval', '1'],
    ],
    { cwd: options.repository, detached: true, stdio: ['ignore', log, log] },
  )
  closeSync(log)
  if (child.pid) processGuard().watchGroup(child.pid)
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) {
      const exited = once(child, 'exit')
      child.kill('SIGTERM')
      const inTime = await Promise.race([exited.then(() => true), delay(graceMs, false, { ref: false })])
      if (!inTime) child.kill('SIGKILL')
      await exited
    }
    if (child.pid) processGuard().forgetGroup(child.pid)
  }
  const deadline = performance.now() + agentDeadlineMs
  let answer = 'no answer'
  try {
    while (performance.now() < deadline && child.exitCode === null && child.signalCode === null) {
      signal?.throwIfAborted()
      try {
        const response = await fetch(`http://127.0.0.1:${options.port}/readyz`, {
          signal: AbortSignal.timeout(2000),
        })
        answer = await response.text()
        if (response.ok) return { stop }
      } catch {
        // It does not listen yet.
      }
      await delay(100, undefined, signal && { signal })
    }
  } catch (error) {
    await stop()
    throw error
  }
  await stop()
  throw new Error(`the node agent did not get the GPU ready: ${answer.trim()}; its log: ${logFile}`)
}
