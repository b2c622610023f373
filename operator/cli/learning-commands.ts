/** The subcommands that build, train and evaluate models, and their help. */
import type { RawEvaluateOptions } from './commands/evaluate.ts'
import type { RawModelBuildOptions } from './commands/model-build.ts'
import type { RawProfileOptions } from './commands/profile.ts'
import type { RawTrainOptions } from './commands/train.ts'
import type { Act, AddCommand, Io } from './program.ts'

const repeated = (next: string, previous: readonly string[] = []) => [...previous, next]

export function addTrain(add: AddCommand, io: Io, act: Act): void {
  add(
    'train',
    '--model M --train LIST --validation LIST [options]',
    'retrain an ONNX classifier on labelled images',
  )
    .requiredOption('--model <file>', 'ONNX model to start from, opset 13 to 22, float32')
    .requiredOption('--train <list>', 'sample list to train on; can be repeated, the newest last', repeated)
    .option(
      '--history-weight <weight>',
      'how much an image of every list but the last counts in training, above 0 to 1',
      '1',
    )
    .requiredOption('--validation <list>', 'sample list by which the best epoch is chosen')
    .requiredOption('--images <dir>', 'folder that the image paths of the lists are relative to')
    .requiredOption('--config <file|json>', 'configuration: a JSON file, or JSON itself')
    .requiredOption('--out <file>', 'where the trained model is written; replaced as a whole or not at all')
    .option(
      '--classes <number>',
      'classes of the lists where there are more than the model has: its head gets new outputs',
    )
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `
Sample lists are CSV files with the columns idx,class,x0,y0,x1,y1,imgpath. Images that cannot be read are left out and reported.

Configuration (all keys can be left out; docs/training.md tells more):
  epochs 15, batchSize 32, learningRate 0.02, schedule one-cycle (constant, step, cosine, plateau),
  momentum 0.8 (0.9 with other schedules), weightDecay 5e-4, trainableLayers "all" ("head", or the last n),
  hiddenUnits, dataFraction 1, augment true, photometric 0.4, classBalanced false, balancedSampling false,
  freezeBatchNorm false, earlyStop, seed 0, threads 1

Examples:
  ekya train --model student.onnx --train cam-0/0.csv --validation cam-0/1.csv --images . --out next.onnx \\
    --config '{"epochs": 5, "trainableLayers": "head"}'
  ekya train --model student.onnx --train cam-0/0.csv --train cam-0/1.csv --validation cam-0/2.csv --images . \\
    --config all-15.json --out next.onnx --json`,
    )
    .action((options: RawTrainOptions) =>
      act(async () => (await import('./commands/train.ts')).trainCommand(options, io)),
    )
}

export function addEvaluate(add: AddCommand, io: Io, act: Act): void {
  add(
    'evaluate',
    '--model M --list LIST --images DIR [--json]',
    'measure the accuracy of an ONNX classifier on labelled images',
  )
    .requiredOption('--model <file>', 'ONNX model')
    .requiredOption('--list <list>', 'sample list')
    .requiredOption('--images <dir>', 'folder that the image paths of the list are relative to')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `
Images that cannot be read are left out and reported.

Example:
  ekya evaluate --model student.onnx --list cam-0/1.csv --images . --json`,
    )
    .action((options: RawEvaluateOptions) =>
      act(async () => (await import('./commands/evaluate.ts')).evaluateCommand(options, io)),
    )
}

export function addProfile(add: AddCommand, io: Io, act: Act): void {
  add(
    'profile',
    '--model M --train LIST --validation LIST [options]',
    'foretell what retrainings would give and cost, from micro-profiles',
  )
    .requiredOption('--model <file>', 'ONNX model to start from, opset 13 to 22, float32')
    .requiredOption('--train <list>', 'sample list to train on; can be repeated, the newest last', repeated)
    .option(
      '--history-weight <weight>',
      'how much an image of every list but the last counts in training, above 0 to 1',
      '1',
    )
    .requiredOption('--validation <list>', 'sample list on which accuracies are foretold')
    .requiredOption('--images <dir>', 'folder that the image paths of the lists are relative to')
    .requiredOption(
      '--config <file|json>',
      'configuration of a retraining, as in `ekya train`, and a name; can be repeated',
      repeated,
    )
    .option(
      '--history <file>',
      'trace of other streams with estimates, JSON: what micro-profiles were worth there',
    )
    .option('--epochs <number>', 'epochs of a micro-profile', '5')
    .option('--sample <fraction>', 'part of the training images that a micro-profile trains on', '0.1')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `
Accuracies and GPU-seconds come with the interval that holds them with a probability of 90 %. A GPU is one core of this machine here.
Configurations of a history are known by their names; without a history intervals are wide.

Example:
  ekya profile --model student.onnx --train cam-0/0.csv --validation cam-0/1.csv --images . \\
    --config '{"name": "head", "trainableLayers": "head"}' --config '{"name": "all", "epochs": 30}'`,
    )
    .action((options: RawProfileOptions) =>
      act(async () => (await import('./commands/profile.ts')).profileCommand(options, io)),
    )
}

export function addModel(add: AddCommand, io: Io, act: Act): void {
  const usage = 'build NAME --classes N --input 3x32x32 --out FILE [--seed N]'
  add('model', usage, 'build a student network to start from, as an ONNX file')
    .helpCommand(false)
    .command('build')
    .usage(usage.replace('build ', ''))
    .description('build a student network, randomly initialised by seed')
    .argument('<name>', 'small-cnn, resnet18, mobilenetv2 or shufflenetv2')
    .requiredOption('--classes <number>', 'number of classes')
    .requiredOption('--input <shape>', 'channels, height and width of the images, for example 3x32x32')
    .requiredOption('--out <file>', 'where the model is written')
    .option('--seed <number>', 'of the weights: the same options give the same file', '0')
    .option('--json', 'print what was written as JSON')
    .showHelpAfterError('Run `ekya model build --help` for what is accepted.')
    .addHelpText(
      'after',
      `
Example:
  ekya model build mobilenetv2 --classes 6 --input 3x64x64 --out student.onnx --seed 1`,
    )
    .action((name: string, options: RawModelBuildOptions) =>
      act(async () => (await import('./commands/model-build.ts')).modelBuild(name, options, io)),
    )
}
