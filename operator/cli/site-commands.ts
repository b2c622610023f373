/** The subcommands for a running site, which `kubectl ekya` runs as well, and their help. */
import type { Command } from 'commander'
import type { Act, AddCommand, Io } from './program.ts'
import type { Access, AccessFlags } from './site/access.ts'

interface SiteFlags extends AccessFlags {
  readonly output?: string
  readonly allNamespaces?: boolean
  readonly to?: string
  readonly file?: string
}

export function addSiteCommands(add: AddCommand, io: Io, act: Act): void {
  const reach = (command: Command): Command =>
    command
      .option('-n, --namespace <name>', "namespace (default: that of the kubeconfig's context)")
      .option('--context <name>', 'context of the kubeconfig')
      .option('--kubeconfig <file>', 'kubeconfig file (default: $KUBECONFIG, ~/.kube/config)')
  const print = (command: Command): Command =>
    reach(command).option('-o, --output <form>', 'table, json or yaml', 'table')
  const run = (flags: SiteFlags, command: (access: Access) => Promise<number>): Promise<void> =>
    act(async () => (await import('./site/access.ts')).withAccess(flags, command))
  const formOf = async ({ output = 'table' }: SiteFlags) =>
    (await import('./site/access.ts')).outputOf(output)

  print(add('status', '[-A] [options]', 'windows and streams of a running site'))
    .option('-A, --all-namespaces', 'of all namespaces')
    .action((flags: SiteFlags) =>
      act(async () => {
        const output = await formOf(flags)
        const { withAccess } = await import('./site/access.ts')
        const { status } = await import('./site/status.ts')
        return withAccess(flags, access => status(access, { all: flags.allNamespaces ?? false, output }, io))
      }),
    )
  print(
    add(
      'explain',
      'STREAM [options]',
      'what was estimated and decided for a stream, why, and what would change it',
    ),
  )
    .argument('<stream>', 'name of a CameraStream')
    .action((name: string, flags: SiteFlags) =>
      act(async () => {
        const output = await formOf(flags)
        const { withAccess } = await import('./site/access.ts')
        const { explain } = await import('./site/explain.ts')
        return withAccess(flags, access => explain(access, name, output, new Date(), io))
      }),
    )
  for (const [verb, suspended, text] of [
    ['pause', true, 'stop a stream, or the retraining of a window'],
    ['resume', false, 'the opposite of pause'],
  ] as const)
    reach(add(verb, 'NAME|cam/NAME|rw/NAME [options]', text))
      .argument('<target>', 'NAME of a CameraStream, cam/NAME, or rw/NAME for a RetrainingWindow')
      .action((target: string, flags: SiteFlags) =>
        run(flags, async access =>
          (await import('./site/requests.ts')).setSuspended(access, target, suspended, io),
        ),
      )
  reach(add('retrain', 'STREAM [options]', 'train a stream as soon as there are labels, worth while or not'))
    .argument('<stream>', 'name of a CameraStream')
    .action((name: string, flags: SiteFlags) =>
      run(flags, async access => (await import('./site/requests.ts')).retrain(access, name, new Date(), io)),
    )
  reach(add('rollback', 'STREAM [--to DIGEST] [options]', 'serve an earlier model again'))
    .argument('<stream>', 'name of a CameraStream')
    .option('--to <digest>', 'first 6 to 64 digits of its SHA-256 (default: the one served before)')
    .action((name: string, flags: SiteFlags) =>
      run(flags, async access =>
        (await import('./site/requests.ts')).rollback(access, name, flags.to, new Date(), io),
      ),
    )
  print(add('models', 'STREAM [options]', 'models that a stream has served'))
    .argument('<stream>', 'name of a CameraStream')
    .action((name: string, flags: SiteFlags) =>
      act(async () => {
        const output = await formOf(flags)
        const { withAccess } = await import('./site/access.ts')
        const { models } = await import('./site/requests.ts')
        return withAccess(flags, access => models(access, name, output, io))
      }),
    )
  reach(add('report', '[--file FILE] [options]', 'bundle for a bug report, without secrets'))
    .option('--file <file>', 'where it is written', 'ekya-report.tar.gz')
    .action((flags: SiteFlags) =>
      run(flags, async access =>
        (await import('./site/report.ts')).report(access, flags.file ?? 'ekya-report.tar.gz', new Date(), io),
      ),
    )
}
