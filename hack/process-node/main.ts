/**
 * A process node by itself: node hack/process-node/main.ts --kubeconfig FILE --cpus 1.5
 */
import { mkdtempSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Command, InvalidArgumentError, Option } from 'commander'
import type { LimiterChoice } from './limiters/choose.ts'
import { startProcessNode } from './process-node.ts'

interface Options {
  readonly kubeconfig: string
  readonly name: string
  readonly cpus: number
  readonly directory?: string
  readonly limiter: LimiterChoice
  readonly keepNode?: boolean
}

const cores = (text: string): number => {
  const value = Number(text)
  if (!(value > 0)) throw new InvalidArgumentError('accepted are numbers above 0')
  return value
}

const program = new Command('process-node')
  .description('A Kubernetes node that runs pods as local processes.')
  .addOption(
    new Option('--kubeconfig <file>', 'how to reach the API server').env('KUBECONFIG').makeOptionMandatory(),
  )
  .option('--name <name>', "the Node's name", 'process-node')
  .option('--cpus <cores>', 'its capacity', cores, 0.75 * availableParallelism())
  .option(
    '--directory <folder>',
    'for logs and termination messages (default: a temporary folder, removed at the end)',
  )
  .addOption(
    new Option('--limiter <kind>', 'how cpu limits are enforced')
      .choices(['auto', 'cgroup', 'pause'])
      .default('auto'),
  )
  .option('--keep-node', 'leave the Node object and its pods when it ends')
  .action(async (options: Options) => {
    const controller = new AbortController()
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => controller.abort())
    const report = (line: string): void => void process.stderr.write(`${line}\n`)
    const node = await startProcessNode(
      {
        ...options,
        directory: options.directory ?? mkdtempSync(join(tmpdir(), 'ekya-process-node-')),
        removeDirectory: options.directory === undefined,
        repository: fileURLToPath(new URL('../../', import.meta.url)),
        onProgress: report,
      },
      controller.signal,
    )
    report(
      `Node ${node.name} is ready: ${options.cpus} cores, limits by ${node.limiter}, logs in ${node.directory}/pods`,
    )
  })

program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`${(error as Error).message}\n`)
  process.exitCode = 1
})
