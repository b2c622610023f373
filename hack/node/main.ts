/**
 * A real node by itself, until Ctrl-C: node hack/node/main.ts [--kubeconfig FILE]
 *
 * Without a kubeconfig it starts a control plane as well.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command, Option } from 'commander'
import { startControlPlane } from '../control-plane/control-plane.ts'
import { processGuard } from '../control-plane/guard.ts'
import { interruption, untilAborted } from '../control-plane/interruption.ts'
import { startNode } from './node.ts'

interface Options {
  readonly kubeconfig?: string
  readonly name: string
  readonly image: readonly string[]
}

const program = new Command('node')
  .description('A real Kubernetes node (containerd, kubelet, kube-proxy) on this machine; needs root.')
  .addOption(
    new Option('--kubeconfig <file>', 'the cluster to join (default: a control plane of its own)').env(
      'KUBECONFIG',
    ),
  )
  .option('--name <name>', "the Node's name", 'node')
  .option('--image <archive...>', 'image archives to import', [])
  .action(async (options: Options) => {
    const signal = interruption()
    const onProgress = (line: string): void => void process.stderr.write(`${line}\n`)
    const directory = mkdtempSync(join(tmpdir(), 'ekya-node-'))
    processGuard().watchPath(directory)
    const stops: (() => Promise<void>)[] = []
    try {
      let { kubeconfig } = options
      if (kubeconfig === undefined) {
        const controlPlane = await startControlPlane({ directory, onProgress }, signal)
        stops.unshift(() => controlPlane.stop())
        kubeconfig = controlPlane.kubeconfig
      }
      const node = await startNode(
        { kubeconfig, name: options.name, directory: join(directory, 'node'), onProgress },
        signal,
      )
      stops.unshift(() => node.stop())
      for (const archive of options.image) await node.importImage(archive)
      onProgress(`Node ${node.name} is ready at ${node.address}; logs in ${node.directory}. Ctrl-C ends it.`)
      process.stdout.write(`export KUBECONFIG=${kubeconfig}\n`)
      await untilAborted(signal)
    } catch (error) {
      if (!signal.aborted) throw error
    } finally {
      for (const stop of stops) await stop()
      rmSync(directory, { recursive: true, force: true })
      processGuard().forgetPath(directory)
    }
  })

program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`${(error as Error).message}\n`)
  process.exitCode = 1
})
