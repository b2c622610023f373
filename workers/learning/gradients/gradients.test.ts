import { expect } from 'chai'
import { openClassifier } from '../../models/classifier.ts'
import { floatTensor, intTensor, node } from '../../models/onnx.ts'
import { random } from '../../models/random.ts'
import { createTrainer } from '../trainer.ts'
import { gradientCases } from './gradient-cases.ts'
import { caseModel, gradientDifference } from './gradient-check.ts'
import { gradientRules } from './registry.ts'

describe('gradient rules', () => {
  // On many shapes and attributes: gradients.reference.test.ts.
  it('are each checked', () => {
    const checked = new Set(
      Object.entries(gradientCases).flatMap(([name, drawCase]) =>
        Array.from({ length: 9 }, (_, seed) =>
          drawCase(random(seed, name)).nodes.map(each => each.opType),
        ).flat(),
      ),
    )
    expect([...gradientRules.keys()].filter(name => !checked.has(name))).to.deep.equal([])
  })

  it('train the bias of a MatMul and the scale and bias of a normalisation, never its statistics', async () => {
    const normalised = gradientCases['BatchNormalization on the batch']!(random(1))
    expect((await gradientDifference(normalised, 1)).parameters)
      .to.include.members(['scale', 'bias'])
      .and.not.include.members(['mean', 'var'])
    const layer = gradientCases.LayerNormalization!(random(1))
    expect((await gradientDifference(layer, 1)).parameters).to.include.members(['scale', 'bias'])
    const product = {
      nodes: [node('MatMul', ['x', 'w'], ['m']), node('Add', ['m', 'b'], ['y'])],
      tensors: [floatTensor('w', [5, 2], new Float32Array(10).fill(0.3)), floatTensor('b', [2], [0, 1])],
    }
    expect((await gradientDifference(product, 1)).parameters).to.include.members(['w', 'b'])
  })
})

describe('what cannot be trained', () => {
  for (const { name, nodes, want, opset } of [
    {
      name: 'an unknown operator',
      nodes: [node('Softsign', ['x'], ['y'])],
      want: /Softsign \(node y\); supported: Add, .*Unsqueeze/,
    },
    {
      name: 'a resize by another method',
      nodes: [node('Resize', ['x', '', 'scales'], ['y'], { mode: 'cubic' })],
      want: /node y \(Resize\): mode is cubic; accepted: nearest, linear/,
    },
    {
      name: 'a resize that keeps the aspect ratio',
      nodes: [
        node('Resize', ['x', '', '', 'sizes'], ['y'], {
          axes: [2, 3],
          keep_aspect_ratio_policy: 'not_larger',
        }),
      ],
      opset: 18,
      want: /node y \(Resize\): keep_aspect_ratio_policy is not_larger; accepted: stretch/,
    },
    {
      name: 'a window behind the input, of which the runtime thinks in two ways',
      nodes: [
        node('AveragePool', ['x'], ['y'], {
          ceil_mode: 1,
          kernel_shape: [2, 2],
          strides: [3, 3],
          pads: [0, 0, 1, 1],
        }),
      ],
      want: /node y \(AveragePool\): its windows have 2×2 positions, the runtime infers 3×3; accepted: /,
    },
    {
      name: 'a dropout that may drop',
      nodes: [node('Not', ['no'], ['drops']), node('Dropout', ['x', '', 'drops'], ['y'])],
      want: /node y \(Dropout\): training_mode may be true; accepted: none, or false/,
    },
  ])
    it(`names the node and what is accepted: ${name}`, async () => {
      const tensors = [
        floatTensor('scales', [4], [1, 1, 2, 2]),
        intTensor('sizes', [2], [9, 9]),
        { name: 'no', dims: [], dataType: 9, rawData: Uint8Array.of(0) },
      ]
      const error = await gradientDifference({ nodes, tensors, opset }, 1).then(
        () => null,
        (reason: unknown) => reason,
      )
      expect(error).to.have.property('code', 'OperatorUnsupported')
      expect((error as Error).message).to.match(want)
    })

  it('does not matter below the trained layers', async () => {
    const bytes = await caseModel({ nodes: [node('Softsign', ['x'], ['y'])] }, random(1))
    await (await openClassifier(bytes, 'x')).close()
    const trainer = await createTrainer(bytes)
    const images = {
      count: 12,
      shape: { channels: 2, height: 6, width: 5 },
      pixels: Uint8Array.from({ length: 12 * 60 }, (_, i) => (i * 97) % 256),
      labels: Int32Array.from({ length: 12 }, (_, i) => i % 3),
    }
    const outcome = await trainer.train({
      train: images,
      validation: images,
      configuration: {
        epochs: 10,
        batchSize: 4,
        learningRate: 0.02,
        trainableLayers: 'head',
        dataFraction: 1,
        seed: 1,
        threads: 1,
      },
    })
    await trainer.close()
    expect(outcome.epochs.at(-1)!.loss).to.be.lessThan(outcome.epochs[0]!.loss)
  })
})
