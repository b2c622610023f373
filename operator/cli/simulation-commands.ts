/** The subcommands that read traces, and their help. */
import { type Command, Option } from 'commander'
import type { RawCompareOptions } from './commands/compare.ts'
import type { RawReportOptions } from './commands/estimator-report.ts'
import type { RawSimulateOptions } from './commands/simulate.ts'
import type { Act, AddCommand, Io } from './program.ts'

/** What those that replay ask of a site, see site-options.ts. */
const withSite = (command: Command): Command =>
  command
    .option('--window <seconds>', 'length of a window', '200')
    .option(
      '--delay <seconds>',
      'golden labels take so long: until then inference alone runs, on equal shares',
      '0',
    )
    .option(
      '--step <share>',
      "smallest change of a share, in GPUs (default: 0.25/3, that of Ekya's simulator)",
    )
    .option('--resize-seconds <seconds>', 'a training stands still for so long when its share changes', '0')

export function addSimulate(add: AddCommand, io: Io, act: Act): void {
  const repeated = (next: string, previous: readonly string[] = []) => [...previous, next]
  const command = add(
    'simulate',
    '--trace FILE --gpus G --policy NAME [options]',
    'replay a trace under a scheduling policy',
  )
    .requiredOption('--trace <file>', 'trace of streams and windows, JSON')
    .requiredOption('--gpus <number>', 'GPUs, all in one pool')
    .requiredOption('--policy <name>', 'scheduling policy; an unknown name lists those that there are')
    .addOption(
      new Option('--sees <what>', 'what the policy is told of the retrainings: what comes true, or estimates')
        .choices(['actual', 'estimate'])
        .default('actual'),
    )
    .addOption(
      new Option('--streams <number>', 'the first streams of the trace (default: all)').conflicts('stream'),
    )
    .option('--stream <name...>', 'these streams of the trace')
  withSite(command)
    .option('--seed <number>', 'for policies that draw')
    .option(
      '--policy-option <name=value>',
      'an option of the policy; can be repeated; an unknown one lists them',
      repeated,
    )
    .option(
      '--record <name...>',
      'streams of the trace whose retrainings are known from before, which tells estimates from truth (default: those that are not replayed)',
    )
    .option('--no-record', 'nothing is known from before')
    .option(
      '--bound',
      'tell an upper bound on the mean accuracy as well, of all plans that change inference shares at whole seconds',
    )
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `
Accuracies are means over the seconds of a window, then over streams, then over windows.

Examples:
  ekya simulate --trace cityscapes-10.json --gpus 2 --streams 4 --policy thief
  ekya simulate --trace cityscapes-10.json --gpus 2 --policy horizon --bound
  ekya simulate --trace cityscapes-10.json --gpus 2 --policy fair --policy-option configuration=3_5 --json
  ekya simulate --trace cityscapes-10.json --gpus 2 --policy replay --policy-option schedule=schedules.json`,
    )
    .action((options: RawSimulateOptions) =>
      act(async () => (await import('./commands/simulate.ts')).simulateCommand(options, io)),
    )
}

export function addCompare(add: AddCommand, io: Io, act: Act): void {
  const command = add(
    'compare',
    '--trace FILE --gpus G,… --streams N,… --policies NAME,… [options]',
    'replay a trace under several policies, on a grid of GPUs and streams',
  )
    .requiredOption('--trace <file>', 'trace of streams and windows, JSON')
    .requiredOption('--gpus <numbers>', 'GPUs, all in one pool; several with commas between')
    .requiredOption(
      '--streams <numbers>',
      'the first so many streams of the trace; several with commas between',
    )
    .requiredOption(
      '--policies <names>',
      'scheduling policies with commas between, each NAME[:OPTION=VALUE]…; an unknown name lists those that there are',
    )
    .option(
      '--sees <what>',
      'what policies are told of the retrainings: actual (what comes true), estimate, or both with a comma between',
      'actual',
    )
  withSite(command)
    .option('--seed <number>', 'for policies that draw, and for the noise on estimates (default there: 0)')
    .option('--target <accuracies>', 'accuracies at which capacity is told', '0.75,0.8,0.85,0.9')
    .option(
      '--no-record',
      'with estimates: what came of the streams that a cell leaves out is not known from before',
    )
    .option('--no-sensitivity', 'leave out how results depend on step, window and wrong estimates')
    .option('--jobs <number>', 'worker threads (default: as many as cores)')
    .option('--out <dir>', 'write results.csv, results.json and index.html, a page with all plots')
    .option('--json', 'print the record as JSON instead of the table')
    .addHelpText(
      'after',
      `
The table has the mean accuracy of each cell in per cent. Results are the same whatever the number of worker threads.
Exit status 1: a policy failed in a cell; the other cells are reported all the same.

Examples:
  ekya compare --trace cityscapes-10.json --gpus 1,2,4,8 --streams 2,4,6,8,10 --policies thief,none --out results
  ekya compare --trace cityscapes-10.json --gpus 2 --streams 4 --sees actual,estimate --no-sensitivity \\
    --policies thief,fair:configuration=3_5:inferenceWeight=0.5,fair:configuration=0_5:inferenceWeight=0.9`,
    )
    .action((options: RawCompareOptions) =>
      act(async () => (await import('./commands/compare.ts')).compareCommand(options, io)),
    )
}

export function addEstimatorReport(add: AddCommand, io: Io, act: Act): void {
  add(
    'estimator-report',
    '--trace FILE | --images DIR [--log DIR] [--json]',
    'tell how well outcomes of retrainings are predicted',
  )
    .option('--trace <file>', 'trace of streams and windows, JSON; its estimates are the micro-profiles')
    .option('--images <dir>', 'pretrain.csv, cam-0/0.csv, cam-0/1.csv, …: trains and micro-profiles on them')
    .option(
      '--log <dir>',
      'with --images: where trace and parts are kept, to be used again (default: nowhere)',
    )
    .option(
      '--jobs <number>',
      'with --images: cameras at a time, one thread each (default: as many as cores)',
    )
    .option('--json', 'print the figures as JSON')
    .addHelpText(
      'after',
      `
Each window of a stream is predicted from all windows of the other streams and from the stream's own earlier ones.

With --images small-cnn is pretrained on pretrain.csv; then, on every window, it is retrained in 18 ways (head or all layers, on 10, 50 or
100 % of the data, for 5, 15 or 30 epochs) and micro-profiled. That takes some minutes; FOLDER/trace.json of --log is a trace for the
other commands.

Examples:
  ekya estimator-report --trace cityscapes-10.json
  ekya estimator-report --images drift-cameras --log drift-log`,
    )
    .action((options: RawReportOptions) =>
      act(async () => (await import('./commands/estimator-report.ts')).estimatorReportCommand(options, io)),
    )
}
