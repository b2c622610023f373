/** Refuses a training request that cannot work, with every problem at once. */
import { configurationProblems } from './configuration.ts'
import { LearningError } from './errors.ts'
import type { ImageSet, ImageShape } from './image-set.ts'
import type { TrainingRequest } from './training.ts'

/** @throws LearningError ConfigInvalid, LabelsInvalid, TooFewSamples */
export function checkRequest(
  request: Omit<TrainingRequest, 'model' | 'classes'>,
  classes: number,
  shape: ImageShape,
): void {
  const problems = configurationProblems(request.configuration).map(({ message }) => message)
  for (const [name, set] of [
    ['train', request.train],
    ['validation', request.validation],
  ] as const) {
    if (set.count === 0)
      throw new LearningError('TooFewSamples', `the ${name} set is empty; accepted: at least one image`)
    const [given, wanted] = [describe(set.shape), describe(shape)]
    if (given !== wanted) problems.push(`${name} images are ${given}; the model takes ${wanted}`)
    refuseLabels(name, set, classes)
    if (set.weights?.some(weight => !(weight > 0 && Number.isFinite(weight))))
      problems.push(`${name} images have weights that are no numbers above 0`)
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
