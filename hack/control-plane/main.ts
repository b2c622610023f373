/**
 * The control plane by itself, until Ctrl-C: node hack/control-plane/main.ts start [--directory FOLDER] [--json]
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { serverNames, startControlPlane } from './control-plane.ts'
import { ControlPlaneError } from './errors.ts'
import { interruption, untilAborted } from './interruption.ts'

const progress = (line: string): void => {
  process.stderr.write(`${line}\n`)
}

const program = new Command('control-plane').description(
  'A Kubernetes control plane for the demo and for tests.',
)

program
  .command('start')
  .description('run a control plane until Ctrl-C')
  .option('--directory <folder>', 'where its data and logs live while it runs (default: a temporary folder)')
  .option('--json', 'print one JSON line when it is ready')
  .action(async (options: { directory?: string; json?: boolean }) => {
    const signal = interruption()
    const directory = options.directory ?? mkdtempSync(join(tmpdir(), 'ekya-control-plane-'))
    try {
      const controlPlane = await startControlPlane({ directory, onProgress: progress }, signal)
      const { kubeconfig, server, binaries } = controlPlane
      const pids = Object.fromEntries(serverNames.map(name => [name, controlPlane.pid(name)]))
      process.stdout.write(
        options.json
          ? `${JSON.stringify({ kubeconfig, server, kubectl: binaries.kubectl, pids })}\n`
          : `The API server answers at ${server}. Try:\n  ${binaries.kubectl} --kubeconfig ${kubeconfig} get namespaces\nCtrl-C ends it.\n`,
      )
      await untilAborted(signal)
      await controlPlane.stop()
    } finally {
      if (options.directory === undefined) rmSync(directory, { recursive: true, force: true })
    }
  })

program.parseAsync().catch((error: unknown) => {
  progress(error instanceof ControlPlaneError ? error.message : String((error as Error).stack ?? error))
  process.exitCode = 1
})
