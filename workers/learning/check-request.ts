/** Refuses a training request that cannot work, with every problem at once. */
import { LearningError } from './errors.ts'
import type { ImageSet, ImageShape } from './image-set.ts'
import type { TrainingConfiguration, TrainingRequest } from './training.ts'

/** @throws LearningError ConfigInvalid, LabelsInvalid, TooFewSamples */
export function checkRequest(
  request: Omit<TrainingRequest, 'model'>,
  classes: number,
  shape: ImageShape,
): void {
  const problems = configurationProblems(request.configuration)
  for (const [name, set] of [
    ['train', request.train],
    ['validation', request.validation],
  ] as const) {
    if (set.count === 0)
      throw new LearningError('TooFewSamples', `the ${name} set is empty; accepted: at least one image`)
    const [given, wanted] = [describe(set.shape), describe(shape)]
    if (given !== wanted) problems.push(`${name} images are ${given}; the model takes ${wanted}`)
    refuseLabels(name, set, classes)
  }
  if (problems.length > 0) throw new LearningError('ConfigInvalid', problems.join('; '))
}

const describe = ({ channels, height, width }: ImageShape): string => `${channels}×${height}×${width}`

function refuseLabels(name: string, { labels }: ImageSet, classes: number): void {
  const at = labels.findIndex(label => label < 0 || label >= classes)
  if (at >= 0)
    throw new LearningError(
      'LabelsInvalid',
      `image ${at} of the ${name} set has the label ${labels[at]}; accepted: 0 to ${classes - 1}`,
    )
}

function configurationProblems(configuration: TrainingConfiguration): string[] {
  const {
    epochs,
    batchSize,
    learningRate,
    trainableLayers,
    hiddenUnits,
    dataFraction,
    photometric = 0,
  } = configuration
  const positive = (value: number): boolean => Number.isInteger(value) && value >= 1
  const rules: [boolean, string][] = [
    [positive(epochs), `epochs is ${epochs}; accepted: an integer from 1`],
    [positive(batchSize), `batchSize is ${batchSize}; accepted: an integer from 1`],
    [learningRate > 0 && Number.isFinite(learningRate), `learningRate is ${learningRate}; accepted: above 0`],
    [dataFraction > 0 && dataFraction <= 1, `dataFraction is ${dataFraction}; accepted: above 0, at most 1`],
    [
      typeof trainableLayers !== 'number' || positive(trainableLayers),
      `trainableLayers is ${trainableLayers}; accepted: all, head, or an integer from 1`,
    ],
    [photometric >= 0 && photometric <= 2, `photometric is ${photometric}; accepted: 0 to 2`],
    [
      hiddenUnits === undefined || positive(hiddenUnits),
      `hiddenUnits is ${hiddenUnits}; accepted: an integer from 1`,
    ],
  ]
  return rules.filter(([holds]) => !holds).map(([, problem]) => problem)
}
