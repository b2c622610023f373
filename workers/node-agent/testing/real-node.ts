/**
 * A node with a real kubelet that the environment names: `EKYA_TEST_NODE` is the path of a JSON file
 *
 *   {"kubeconfig": FILE, "nodeName": NAME, "image": IMAGE, "pause": IMAGE, "kubelet": PROGRAM}
 *
 * `image` has a shell at /bin/sh and `pause` waits until SIGTERM; both are on the node. PROGRAM is called with `stop -TERM`, `stop -KILL` or `start`.
 * This test's machine is the node: kubelet's folder of device plugins must be here.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

export interface RealNode {
  readonly kubeconfig: string
  readonly nodeName: string
  readonly image: string
  readonly pause: string
  stopKubelet(signal: 'TERM' | 'KILL'): void
  startKubelet(): void
}

export const realNodeVariable = 'EKYA_TEST_NODE'

/** undefined: the environment names none. */
export function realNode(): RealNode | undefined {
  const file = process.env[realNodeVariable]
  if (!file) return undefined
  const { kubeconfig, nodeName, image, pause, kubelet } = JSON.parse(readFileSync(file, 'utf8'))
  const call = (...args: string[]) => void execFileSync(kubelet, args, { stdio: 'ignore' })
  return {
    kubeconfig,
    nodeName,
    image,
    pause,
    stopKubelet: signal => call('stop', `-${signal}`),
    startKubelet: () => call('start'),
  }
}
