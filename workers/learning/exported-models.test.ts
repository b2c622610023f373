/** What exporters make of a network that was written otherwise. */
import { expect } from 'chai'
import { openClassifier } from '../models/classifier.ts'
import {
  dataType,
  decodeModel,
  encodeModel,
  floatTensor,
  floatValue,
  floatValues,
  intTensor,
  model,
  type NodeProto,
  node,
  type TensorProto,
} from '../models/onnx.ts'
import { random } from '../models/random.ts'
import type { ImageSet } from './image-set.ts'
import { train } from './train.ts'
import { createTrainer } from './trainer.ts'
import type { TrainingConfiguration } from './training.ts'

const shape = { channels: 3, height: 4, width: 4 }
const classes = 3
const channels = 4

const images: ImageSet = (() => {
  const draw = random(1, 'images')
  const count = 24
  return {
    count,
    shape,
    pixels: Uint8Array.from({ length: count * 48 }, () => draw.integer(256)),
    labels: Int32Array.from({ length: count }, (_, i) => i % classes),
  }
})()

const configuration: TrainingConfiguration = {
  epochs: 2,
  batchSize: 8,
  learningRate: 0.05,
  trainableLayers: 'all',
  dataFraction: 1,
  seed: 1,
  threads: 1,
}

const drawn = (name: string, dims: readonly number[]): TensorProto => {
  const draw = random(2, name)
  const size = dims.reduce((product, dim) => product * dim, 1)
  return floatTensor(
    name,
    dims,
    Array.from({ length: size }, () => draw.normal() * 0.5),
  )
}
const filled = (name: string, value: number): TensorProto =>
  floatTensor(name, [channels], new Array<number>(channels).fill(value))

const file = (nodes: readonly NodeProto[], tensors: readonly TensorProto[], opset = 17): Uint8Array =>
  encodeModel({
    ...model({
      name: 'exported',
      node: [...nodes],
      initializer: [...tensors],
      input: [floatValue('x', ['N', shape.channels, shape.height, shape.width])],
      output: [floatValue('logits', ['N', classes])],
    }),
    opsetImport: [{ version: opset }],
  })

const outcomeOf = (
  bytes: Uint8Array,
  { classes: wanted, ...changes }: Partial<TrainingConfiguration> & { classes?: number } = {},
) =>
  train({
    model: bytes,
    ...(wanted === undefined ? {} : { classes: wanted }),
    train: images,
    validation: images,
    configuration: { ...configuration, ...changes },
  })

/** What a training did to the weights, whatever they are called: the logits of the images. */
async function logitsOf(bytes: Uint8Array): Promise<number[]> {
  const classifier = await openClassifier(bytes, 'outcome')
  const logits = await classifier.logits(images.pixels, images.count)
  await classifier.close()
  return [...logits]
}

describe('tensors that a file stores once for several layers', () => {
  /** Two layers with a normalisation each; the names of [bias, scale, bias, mean, variance] of either. */
  const normalised = (of: readonly (readonly [string, string, string, string, string])[]): NodeProto[] => {
    const [first, second] = of.map(([bias, ...others]) => ({ bias, others }))
    return [
      node('Conv', ['x', 'v', first!.bias], ['c']),
      node('BatchNormalization', ['c', ...first!.others], ['n']),
      node('Relu', ['n'], ['r']),
      node('Conv', ['r', 'w', second!.bias], ['d']),
      node('BatchNormalization', ['d', ...second!.others], ['m']),
      node('GlobalAveragePool', ['m'], ['g']),
      node('Flatten', ['g'], ['f']),
      node('Gemm', ['f', 'h', 'k'], ['logits'], { transB: 1 }),
    ]
  }
  const weights = [
    drawn('v', [channels, 3, 1, 1]),
    drawn('w', [channels, channels, 1, 1]),
    drawn('h', [classes, channels]),
    drawn('k', [classes]),
  ]
  const once = file(
    [
      node('Identity', ['zeros'], ['alias']),
      node('Identity', ['alias'], ['other']),
      ...normalised([
        ['zeros', 'ones', 'other', 'zeros', 'ones'],
        ['alias', 'ones', 'zeros', 'other', 'ones'],
      ]),
    ],
    [...weights, filled('zeros', 0), filled('ones', 1)],
  )
  const names = (layer: number) =>
    ['bias', 'scale', 'shift', 'mean', 'variance'].map(name => `${name}${layer}`) as [
      string,
      string,
      string,
      string,
      string,
    ]
  const apart = file(normalised([names(1), names(2)]), [
    ...weights,
    ...[1, 2].flatMap(names).map(name => filled(name, /scale|variance/.test(name) ? 1 : 0)),
  ])

  for (const trainableLayers of ['all', 2, 'head'] as const)
    it(`train as if they were stored for each: ${trainableLayers}`, async () => {
      const [found, want] = [
        await outcomeOf(once, { trainableLayers }),
        await outcomeOf(apart, { trainableLayers }),
      ]
      expect(found.epochs.map(each => each.loss)).to.deep.equal(want.epochs.map(each => each.loss))
      expect(await logitsOf(found.model)).to.deep.equal(await logitsOf(want.model))
    })

  it('stay as they are in the file below the trained layers, nodes included', async () => {
    const { model: bytes } = await outcomeOf(once, { trainableLayers: 'head' })
    const [given, found] = [decodeModel(once).graph, decodeModel(bytes).graph]
    expect(found.node).to.deep.equal(given.node)
    expect(found.initializer.map(({ name }) => name)).to.deep.equal(given.initializer.map(({ name }) => name))
  })

  for (const { name, changes } of [
    { name: 'tensors of their own', changes: {} },
    { name: 'a hidden layer', changes: { trainableLayers: 'head', hiddenUnits: 6 } as const },
    { name: 'more classes', changes: { classes: classes + 1 } },
  ])
    it(`get ${name} also where the file lists tensors as inputs`, async () => {
      const { graph, ...others } = decodeModel(once)
      const listed = graph.initializer.map(each => floatValue(each.name!, each.dims))
      const listing = encodeModel({ ...others, graph: { ...graph, input: [...graph.input, ...listed] } })
      const [found, want] = [await outcomeOf(listing, changes), await outcomeOf(once, changes)]
      expect(found.digest).to.equal(want.digest)
    })

  it('stay one weight where they vary, as of a layer that is used twice', async () => {
    const twice = file(
      [
        node('Conv', ['x', 'v', 'b'], ['c']),
        node('Relu', ['c'], ['r']),
        node('Conv', ['r', 'v', 'b'], ['d']),
        node('GlobalAveragePool', ['d'], ['g']),
        node('Flatten', ['g'], ['f']),
        node('Gemm', ['f', 'h', 'k'], ['logits'], { transB: 1 }),
      ],
      [drawn('v', [3, 3, 1, 1]), drawn('b', [3]), drawn('h', [classes, 3]), drawn('k', [classes])],
    )
    const { graph } = decodeModel((await outcomeOf(twice)).model)
    expect(graph.initializer.map(({ name }) => name)).to.deep.equal(['v', 'b', 'h', 'k'])
    expect(floatValues(graph.initializer[0]!)).to.not.deep.equal(floatValues(drawn('v', [3, 3, 1, 1])))
  })
})

describe('shapes that a model computes', () => {
  const weights = [
    drawn('w', [channels, 3, 3, 3]),
    drawn('h', [classes, 8 * channels]),
    drawn('k', [classes]),
  ]
  const around = (between: readonly NodeProto[]): NodeProto[] => [
    node('Conv', ['x', 'w'], ['c'], { pads: [1, 1, 1, 1] }),
    node('Relu', ['c'], ['r']),
    ...between,
    node('Gemm', ['f', 'h', 'k'], ['logits'], { transB: 1 }),
  ]
  const plain = file(
    around([node('Slice', ['r', 'from', 'half', 'axis'], ['s']), node('Reshape', ['s', 'flat'], ['f'])]),
    [
      ...weights,
      intTensor('from', [1], [0]),
      intTensor('half', [1], [2]),
      intTensor('axis', [1], [2]),
      intTensor('flat', [2], [-1, 8 * channels]),
    ],
  )
  /** `r[:, :, : r.size(2) // 2].view(r.size(0), …)` */
  const computed = (last: number, opset: number): Uint8Array =>
    file(
      around([
        node('Shape', ['r'], ['sizes']),
        node('Gather', ['sizes', 'second'], ['height']),
        node('Div', ['height', 'two'], ['half']),
        node('Slice', ['r', 'from', 'half', 'axis'], ['s']),
        node('Shape', ['s'], ['left']),
        node('Gather', ['left', 'from'], ['batch']),
        node('Concat', ['batch', 'last'], ['flat'], { axis: 0 }),
        node('Reshape', ['s', 'flat'], ['f']),
      ]),
      [
        ...weights,
        intTensor('second', [1], [2]),
        intTensor('two', [], [2]),
        intTensor('from', [1], [0]),
        intTensor('axis', [1], [2]),
        intTensor('last', [1], [last]),
      ],
      opset,
    )

  for (const trainableLayers of ['all', 'head'] as const)
    for (const last of [-1, 8 * channels])
      it(`train as if they were written down: ${trainableLayers}, view(N, ${last})`, async () => {
        const want = await outcomeOf(plain, { trainableLayers })
        for (const opset of [13, 17]) {
          const given = computed(last, opset)
          const found = await outcomeOf(given, { trainableLayers })
          expect(found.epochs.map(each => each.loss)).to.deep.equal(want.epochs.map(each => each.loss))
          expect(decodeModel(found.model).graph.node).to.deep.equal(decodeModel(given).graph.node)
          expect(await logitsOf(found.model)).to.deep.equal(await logitsOf(want.model))
        }
      })
})

describe('weights that a model computes from its tensors', () => {
  /** Head weight and bias, the weight as it is stored. */
  const ending = (stored: TensorProto, ...computing: NodeProto[]): Uint8Array =>
    file(
      [
        node('Conv', ['x', 'v'], ['c']),
        node('Relu', ['c'], ['r']),
        node('Flatten', ['r'], ['f']),
        ...computing,
        node('MatMul', ['f', 'h'], ['m']),
        node('Add', ['m', 'k'], ['logits']),
      ],
      [drawn('v', [channels, 3, 1, 1]), stored, drawn('k', [classes])],
    )
  const turned = (tensor: TensorProto, name: string): TensorProto => {
    const [columns, rows] = tensor.dims as [number, number]
    const values = floatValues(tensor)
    return floatTensor(
      name,
      [rows, columns],
      values.map((_, i) => values[(i % columns) * rows + Math.floor(i / columns)]!),
    )
  }
  const stored = drawn('stored', [classes, 16 * channels])
  const plain = ending(turned(stored, 'h'))
  const computed = ending(stored, node('Transpose', ['stored'], ['h'], { perm: [1, 0] }))

  for (const trainableLayers of ['all', 'head'] as const)
    it(`are trained as if they were stored: ${trainableLayers}`, async () => {
      const [found, want] = [
        await outcomeOf(computed, { trainableLayers }),
        await outcomeOf(plain, { trainableLayers }),
      ]
      for (const [i, { loss }] of found.epochs.entries())
        expect(loss).to.be.closeTo(want.epochs[i]!.loss, 1e-5)
      const weight = (bytes: Uint8Array) => floatValues(decodeModel(bytes).graph.initializer[1]!)
      expect(weight(found.model)).to.not.deep.equal(floatValues(stored))
      const [a, b] = [await logitsOf(found.model), await logitsOf(want.model)]
      for (const [i, value] of a.entries()) expect(value).to.be.closeTo(b[i]!, 1e-4)
    })
})

describe('graphs within nodes, which read what is around them', () => {
  const branch = (sum: string, a: string, b: string) => ({
    graph: {
      ...{ name: sum, node: [node('Add', [a, b], [sum])], initializer: [], input: [] },
      output: [{ name: sum, type: { tensorType: { elemType: dataType.float } } }],
    },
  })
  const either = (sum: string, a: string, b: string): NodeProto =>
    node('If', ['yes'], [sum], {
      then_branch: branch(`${sum}.p`, a, b),
      else_branch: branch(`${sum}.q`, a, b),
    })
  const bytes = file(
    [
      node('Identity', ['one'], ['alias']),
      node('Conv', ['x', 'v'], ['c']),
      either('i', 'c', 'alias'),
      node('Shape', ['i'], ['sizes']),
      node('Gather', ['sizes', 'first'], ['batch']),
      node('Concat', ['batch', 'rest'], ['flat'], { axis: 0 }),
      node('Reshape', ['i', 'flat'], ['f']),
      node('Gemm', ['f', 'h', 'k'], ['logits'], { transB: 1 }),
    ],
    [
      ...[drawn('v', [channels, 3, 1, 1]), drawn('h', [classes, 16 * channels]), drawn('k', [classes])],
      ...[
        floatTensor('one', [1], [1]),
        intTensor('first', [1], [0]),
        intTensor('rest', [1], [16 * channels]),
      ],
      { name: 'yes', dims: [], dataType: dataType.bool, rawData: Uint8Array.of(1) },
    ],
  )
  const failure = (trainableLayers: 'all' | 'head') =>
    outcomeOf(bytes, { trainableLayers }).then(
      () => undefined,
      (error: Error) => error.message,
    )

  it('do not matter below the trained layers, and are refused by name above', async () => {
    expect(await failure('head')).to.equal(undefined)
    expect(await failure('all')).to.match(/^cannot train through If \(node i\)/)
  })

  it('read the image in the first node, and tensors that nothing else reads, whatever layers share', async () => {
    const given = file(
      [
        either('i', 'x', 'one'),
        node('GlobalAveragePool', ['i'], ['g']),
        node('Flatten', ['g'], ['f']),
        node('Gemm', ['f', 'v', 'zeros'], ['a'], { transB: 1 }),
        node('Relu', ['a'], ['r']),
        node('Gemm', ['r', 'h', 'zeros'], ['logits'], { transB: 1 }),
      ],
      [
        ...[drawn('v', [3, 3]), drawn('h', [classes, 3]), floatTensor('zeros', [3], [0, 0, 0])],
        ...[
          floatTensor('one', [1], [1]),
          { name: 'yes', dims: [], dataType: dataType.bool, rawData: Uint8Array.of(1) },
        ],
      ],
    )
    const { epochs, model: trained } = await outcomeOf(given)
    expect(epochs).to.have.length(2)
    expect(await logitsOf(trained)).to.not.deep.equal(await logitsOf(given))
  })
})

describe('a model that ends with a Softmax', () => {
  const tensors = [drawn('h', [classes, 48]), drawn('k', [classes])]
  const ending = (...last: NodeProto[]): Uint8Array => file([node('Flatten', ['x'], ['f']), ...last], tensors)
  const plain = ending(node('Gemm', ['f', 'h', 'k'], ['logits'], { transB: 1 }))
  for (const axis of [-1, 1])
    it(`is trained by what the Softmax reads: axis ${axis}`, async () => {
      const want = await outcomeOf(plain)
      const found = await outcomeOf(
        ending(
          node('Gemm', ['f', 'h', 'k'], ['scores'], { transB: 1 }),
          node('Softmax', ['scores'], ['logits'], { axis }),
        ),
      )
      expect(found.epochs.map(each => each.loss)).to.deep.equal(want.epochs.map(each => each.loss))
      const weights = (bytes: Uint8Array) => decodeModel(bytes).graph.initializer.map(floatValues)
      expect(weights(found.model)).to.deep.equal(weights(want.model))
    })
})

describe('a model that was exported in training mode', () => {
  for (const { name, nodes, want } of [
    {
      name: 'BatchNormalization',
      nodes: [
        node('BatchNormalization', ['x', 's', 's', 's', 's'], ['n', 'mean', 'variance'], {
          training_mode: 1,
        }),
      ],
      want: /^node n \(BatchNormalization\) is in training mode: .* export it for inference$/,
    },
    { name: 'Dropout', nodes: [node('Dropout', ['x', '', 'yes'], ['n'])], want: /^node n \(Dropout\) is in/ },
    { name: 'neither', nodes: [node('Dropout', ['x', '', 'no'], ['n'])], want: undefined },
  ])
    it(`is told: ${name}`, async () => {
      const bool = (of: string, value: number): TensorProto => ({
        ...{ name: of, dims: [], dataType: dataType.bool },
        rawData: Uint8Array.of(value),
      })
      const bytes = file(
        [...nodes, node('Flatten', ['n'], ['f']), node('Gemm', ['f', 'h', 'k'], ['logits'], { transB: 1 })],
        [
          ...[drawn('h', [classes, 48]), drawn('k', [classes]), floatTensor('s', [3], [1, 1, 1])],
          ...[bool('yes', 1), bool('no', 0)],
        ],
      )
      const trainer = await createTrainer(bytes)
      const { remark } = trainer
      await trainer.close()
      if (want === undefined) expect(remark).to.equal(undefined)
      else expect(remark).to.match(want)
    })
})
