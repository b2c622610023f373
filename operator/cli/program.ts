/**
 * The subcommands of `ekya` and their help. What a subcommand needs is loaded when it runs: a worker pod on a tenth of a core
 * must not wait for the operator's dependencies.
 *
 * Exit status: 0 ok, 1 failed, 2 bad usage. Results go to stdout, complaints to stderr, without stack traces.
 */
import { Command, CommanderError, Option as CommanderOption } from 'commander'
import { nodeAgentOptions } from '../config/node-agent.ts'
import type { Option } from '../config/option.ts'
import { allOptions } from '../config/options.ts'
import { printableLines } from '../text/printable.ts'
import { describeError, UsageError } from './errors.ts'
import { addEvaluate, addModel, addProfile, addTrain } from './learning-commands.ts'
import { addCompare, addEstimatorReport, addSimulate } from './simulation-commands.ts'

/** The parts of a process that a command may touch; tests give others. */
export interface Io {
  readonly stdin: AsyncIterable<Uint8Array | string>
  readonly stdout: { write(text: string): unknown }
  readonly stderr: { write(text: string): unknown; readonly isTTY?: boolean }
  readonly env: Readonly<Record<string, string | undefined>>
}

export async function run(args: readonly string[], io: Io): Promise<number> {
  let status = 0
  const program = describe(io, async command => {
    status = await command()
  })
  try {
    await program.parseAsync(args, { from: 'user' })
    return status
  } catch (error) {
    if (error instanceof CommanderError) {
      // It has printed already: help that was asked for, or what is wrong.
      return error.exitCode === 0 ? 0 : 2
    }
    io.stderr.write(`${describeError(error)}\n`)
    return error instanceof UsageError ? 2 : 1
  }
}

/** Runs a command, whose status becomes the program's. */
export type Act = (command: () => Promise<number>) => Promise<void>
export type AddCommand = (name: string, usage: string, description: string) => Command

function describe(io: Io, act: Act): Command {
  const program = new Command('ekya')
    .description('Continuous learning for video analytics at the edge.')
    .usage('COMMAND [options]')
    .helpCommand(false)
    .exitOverride()
    .configureOutput({
      writeOut: text => io.stdout.write(text),
      writeErr: text => io.stderr.write(text),
      outputError: (text, write) => write(printableLines(text.replace(/^error: /, 'ekya: '))),
    })
    .configureHelp({ subcommandTerm: command => [command.name(), command.usage()].join(' ').trim() })
    .showHelpAfterError('Run `ekya --help` for what there is.')
    .addHelpText(
      'after',
      `
Examples:
  ekya validate cameras.yaml                         check manifests before they are applied
  ekya simulate --trace FILE --gpus 2 --policy thief replay a trace under a scheduling policy
  ekya compare --trace FILE --gpus 1,2 --streams 4,8 --policies thief,none --out results
                                                     compare policies, with a page of plots
  ekya model build small-cnn --classes 6 --input 3x32x32 --out student.onnx
                                                     a student to start from
  ekya train --model student.onnx --train day.csv --validation dusk.csv --images DIR --config '{"epochs": 5}' --out next.onnx
                                                     retrain an ONNX model
  ekya operator --storage hostPath:/var/lib/ekya     run the operator with your kubeconfig

Every command has --help. Exit status: 0 ok, 1 failed, 2 bad usage.`,
    )
  // Subcommands take these settings over, so they come after them.
  const add: AddCommand = (name, usage, description) =>
    program
      .command(name)
      .usage(usage)
      .description(description)
      .showHelpAfterError(`Run \`ekya ${name} --help\` for what is accepted.`)

  addOperator(add, io, act)
  const worker = add('worker', 'ROLE', 'run one worker; pods that the operator makes run this').argument(
    '<role>',
    'inference, profile or training',
  )
  worker
    .addHelpText(
      'after',
      '\nThe configuration is one JSON document in $EKYA_CONFIG; operator/api/worker.ts describes it.',
    )
    .action((role: string) => act(async () => (await import('./commands/worker.ts')).worker(role)))

  addNodeAgent(add, io, act)

  add('validate', 'FILE… [--json]', 'check manifests offline by the rules of the API server')
    .argument('<file...>', 'YAML or JSON files; - reads from stdin')
    .option('--json', 'print the result as JSON')
    .action((files: string[], { json }: { json?: boolean }) =>
      act(async () => (await import('./commands/validate.ts')).validate(files, { json: json ?? false }, io)),
    )

  addSimulate(add, io, act)
  addCompare(add, io, act)
  addEstimatorReport(add, io, act)
  addTrain(add, io, act)
  addProfile(add, io, act)
  addEvaluate(add, io, act)
  addModel(add, io, act)

  add('version', '[--json]', 'print the version')
    .option('--json', 'print it as JSON')
    .action(({ json }: { json?: boolean }) =>
      act(async () => (await import('./commands/version.ts')).version({ json: json ?? false }, io)),
    )
  return program
}

function addOperator(add: AddCommand, io: Io, act: Act): void {
  const command = add('operator', '--storage VOLUME [options]', 'run the operator')
    // Reported together with everything else that is wrong.
    .allowUnknownOption()
    .allowExcessArguments()
  for (const option of allOptions) for (const flag of flags(option)) command.addOption(flag)
  command
    .addHelpText('after', '\nEach option can be given as a variable too; an option wins over its variable.')
    .action((_options: unknown, self: Command) =>
      act(async () => (await import('./commands/operator.ts')).operator(self.opts(), self.args, io)),
    )
}

function addNodeAgent(add: AddCommand, io: Io, act: Act): void {
  const command = add(
    'node-agent',
    '--node-name NAME [options]',
    "share this node's GPUs: MPS daemons, device plugins, inventory",
  )
    // Reported together with everything else that is wrong.
    .allowUnknownOption()
    .allowExcessArguments()
  for (const option of nodeAgentOptions) for (const flag of flags(option)) command.addOption(flag)
  command
    .addHelpText('after', '\nEach option can be given as a variable too; an option wins over its variable.')
    .action((_options: unknown, self: Command) =>
      act(async () => (await import('./commands/node-agent.ts')).nodeAgent(self.opts(), self.args, io)),
    )
}

/** Values stay text here: operator/config reads them, and reports all problems together. */
function flags(option: Option<unknown>): readonly CommanderOption[] {
  const { flag, value, description, repeatable, variable } = option
  const initial = option.default === undefined ? '' : `default ${option.default}, `
  const text = `${description} (${initial}$${variable})`
  if (value === undefined) {
    return [
      new CommanderOption(`--${flag}`, text),
      new CommanderOption(`--no-${flag}`, `the opposite of --${flag}`),
    ]
  }
  const described = new CommanderOption(`--${flag} <${value}>`, text)
  return [
    repeatable
      ? described.argParser((next: string, previous: readonly string[] = []) => [...previous, next])
      : described,
  ]
}
