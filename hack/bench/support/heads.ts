/**
 * Retraining a student's head alone, on features that are computed once: softmax regression by SGD as the workers train it (one-cycle,
 * momentum, weight decay), without varied light. A training takes milliseconds, so a site can be gone through with many seeds.
 */
import { headOf } from '../../../workers/learning/head.ts'
import type { ImageSet } from '../../../workers/learning/image-set.ts'
import { defaultMomentum, rateFactor } from '../../../workers/learning/schedule.ts'
import { describeStudent } from '../../../workers/learning/student.ts'
import { decodeModel, encodeModel, floatValue } from '../../../workers/models/onnx.ts'
import { normalisePixels } from '../../../workers/models/pixels.ts'
import type { Random } from '../../../workers/models/random.ts'
import { floats, openSession } from '../../../workers/models/session.ts'

/** classes × (inputs + 1), the bias last. */
export type HeadWeights = Float64Array

export interface FeatureSet {
  /** One row an image. */
  readonly features: Float32Array
  readonly labels: readonly number[]
}

export interface HeadTraining {
  readonly epochs: number
  readonly batchSize: number
  readonly learningRate: number
}

const [momentum, weightDecay] = [defaultMomentum('one-cycle'), 5e-4]
const chunk = 100

export async function openHead(bytes: Uint8Array) {
  const model = decodeModel(bytes)
  const { node, classes, inputs, rows, bias } = headOf(describeStudent(model), 'record-heads')
  const [features] = node.input
  const session = await openSession(
    encodeModel({
      ...model,
      graph: {
        ...model.graph,
        node: model.graph.node.filter(each => each.output[0] !== node.output[0]),
        output: [floatValue(features!, ['n', inputs])],
        initializer: model.graph.initializer.filter(({ name }) => !node.input.includes(name ?? '')),
      },
    }),
    { provider: 'cpu', threads: 1 },
  )
  const [input] = session.inputNames
  const width = inputs + 1
  const initial = new Float64Array(classes * width)
  for (let c = 0; c < classes; c++) {
    initial.set(rows.subarray(c * inputs, (c + 1) * inputs), c * width)
    initial[c * width + inputs] = bias[c]!
  }

  async function featuresOf({ pixels, count, shape, labels }: ImageSet): Promise<FeatureSet> {
    const { channels, height, width: across } = shape
    const size = channels * height * across
    const features = new Float32Array(count * inputs)
    for (let from = 0; from < count; from += chunk) {
      const images = Math.min(chunk, count - from)
      const part = normalisePixels(pixels.subarray(from * size, (from + images) * size))
      const result = await session.run({ [input!]: floats(part, [images, channels, height, across]) })
      features.set(Object.values(result)[0]!.data as Float32Array, from * inputs)
    }
    return { features, labels: [...labels] }
  }

  const scores = (head: HeadWeights, features: Float32Array, row: number, into: Float64Array): void => {
    for (let c = 0; c < classes; c++) {
      let score = head[c * width + inputs]!
      for (let d = 0; d < inputs; d++) score += head[c * width + d]! * features[row * inputs + d]!
      into[c] = score
    }
  }

  /** 1 for every image that the head is right about. */
  function rightOf(head: HeadWeights, { features, labels }: FeatureSet): string {
    const found = new Float64Array(classes)
    return labels
      .map((label, row) => {
        scores(head, features, row, found)
        return found.indexOf(Math.max(...found)) === label ? '1' : '0'
      })
      .join('')
  }

  function train(
    start: HeadWeights,
    { features, labels }: FeatureSet,
    { epochs, batchSize, learningRate }: HeadTraining,
    draw: Random,
    onEpoch: (head: HeadWeights) => void,
  ): void {
    const head = start.slice()
    const velocity = new Float64Array(head.length)
    const gradient = new Float64Array(head.length)
    const parts = new Float64Array(classes)
    const steps = Math.max(1, Math.floor(labels.length / batchSize))
    const batch = Math.min(batchSize, labels.length)
    for (let epoch = 0; epoch < epochs; epoch++) {
      const order = draw.permutation(labels.length)
      for (let step = 0; step < steps; step++) {
        gradient.fill(0)
        for (const row of order.subarray(step * batch, (step + 1) * batch)) {
          scores(head, features, row, parts)
          const highest = Math.max(...parts)
          const total = parts.reduce((sum, score) => sum + Math.exp(score - highest), 0)
          for (let c = 0; c < classes; c++) {
            const off = (Math.exp(parts[c]! - highest) / total - (c === labels[row] ? 1 : 0)) / batch
            for (let d = 0; d < inputs; d++) gradient[c * width + d]! += off * features[row * inputs + d]!
            gradient[c * width + inputs]! += off
          }
        }
        const rate = learningRate * rateFactor('one-cycle', epoch * steps + step, epochs * steps)
        for (let i = 0; i < head.length; i++) {
          const decay = i % width === inputs ? 0 : weightDecay
          velocity[i] = momentum * velocity[i]! + gradient[i]! + decay * head[i]!
          head[i]! -= rate * velocity[i]!
        }
      }
      onEpoch(head)
    }
  }

  function select({ features, labels }: FeatureSet, rows: readonly number[]): FeatureSet {
    const selected = new Float32Array(rows.length * inputs)
    rows.forEach((row, i) => {
      selected.set(features.subarray(row * inputs, (row + 1) * inputs), i * inputs)
    })
    return { features: selected, labels: rows.map(row => labels[row]!) }
  }

  return { classes, initial, featuresOf, rightOf, train, select, close: () => session.release() }
}

export type Head = Awaited<ReturnType<typeof openHead>>

export function joined(sets: readonly FeatureSet[]): FeatureSet {
  const features = new Float32Array(sets.reduce((sum, set) => sum + set.features.length, 0))
  let at = 0
  for (const set of sets) {
    features.set(set.features, at)
    at += set.features.length
  }
  return { features, labels: sets.flatMap(({ labels }) => labels) }
}
