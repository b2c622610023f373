import { expect } from 'chai'
import fc from 'fast-check'
import { type Attributes, encodeModel, floatValues, node } from '../models/onnx.ts'
import { random } from '../models/random.ts'
import { floats, openSession } from '../models/session.ts'
import { caseModel, normal } from './gradients/gradient-check.ts'
import { holdKernels } from './held-kernels.ts'
import { packSlots, packValues, unpackValues } from './slots.ts'
import { cudaStrengths, type Strengths } from './strengths.ts'
import { readStudent, type Student } from './student.ts'
import { train } from './train.ts'

const cpu: Strengths = {
  ...{ block: 16, trainingOperators: true, bound: 'work', weightsInPlace: true, anySize: true },
}

interface Given {
  readonly x: readonly [number, number, number]
  readonly weight: readonly [number, number, number, number]
  readonly attributes?: Attributes
  /** How often the weight is read. Default 1. */
  readonly reads?: 1 | 2
}

const modelOf = ({ x, weight, attributes = {}, reads = 1 }: Given): Promise<Uint8Array> => {
  const draw = random(1, 'kernel')
  return caseModel(
    {
      nodes:
        reads === 1
          ? [node('Conv', ['x', 'w'], ['y'], attributes)]
          : [node('Conv', ['x', 'w'], ['z'], attributes), node('Conv', ['z', 'w'], ['y'], attributes)],
      tensors: [normal(draw, 'w', weight, 0.4)],
      x,
    },
    draw,
  )
}

const [images, imageChannels] = [3, 2]

async function answers({ model, nodes, initializers }: Student, x: Given['x']): Promise<Float32Array> {
  const graph = { ...model.graph, node: [...nodes], initializer: [...initializers.values()] }
  const session = await openSession(encodeModel({ ...model, graph }))
  const draw = random(2, 'image')
  const image = Float32Array.from({ length: images * imageChannels * x[1] * x[2] }, () => draw.normal())
  const { logits } = await session.run({ image: floats(image, [images, imageChannels, x[1], x[2]]) })
  await session.release()
  return logits!.data as Float32Array
}

const expectAlike = (found: Float32Array, wanted: Float32Array): void => {
  const scale = Math.max(...wanted.map(Math.abs))
  for (const [i, value] of wanted.entries()) expect(found[i]).to.be.closeTo(value, 1e-5 * scale)
}

describe('kernels as training holds them', () => {
  for (const { name, given, strengths = cpu, dims } of [
    {
      name: 'without places that meet padding alone',
      given: { x: [3, 1, 1], weight: [4, 3, 3, 3], attributes: { pads: [1, 1, 1, 1] } },
      dims: [4, 3, 1, 1],
    },
    {
      name: 'cut at one side, where a stride leaves the other out',
      given: { x: [3, 2, 2], weight: [4, 3, 3, 3], attributes: { pads: [1, 1, 1, 1], strides: [2, 2] } },
      dims: [4, 3, 2, 2],
    },
    {
      name: 'cut along one axis',
      given: { x: [3, 1, 6], weight: [4, 3, 3, 3], attributes: { pads: [1, 1, 1, 1] } },
      dims: [4, 3, 1, 3],
    },
    {
      name: 'cut between places that are far apart',
      given: { x: [3, 3, 3], weight: [4, 3, 3, 3], attributes: { pads: [4, 4, 4, 4], dilations: [4, 4] } },
      dims: [4, 3, 1, 1],
    },
    {
      name: 'cut where padding is not given in numbers',
      given: { x: [3, 2, 1], weight: [4, 3, 5, 3], attributes: { auto_pad: 'SAME_LOWER' } },
      dims: [4, 3, 3, 1],
    },
    {
      name: 'cut in groups',
      given: { x: [4, 1, 1], weight: [4, 1, 3, 3], attributes: { pads: [1, 1, 1, 1], group: 4 } },
      dims: [4, 1, 1, 1],
    },
    {
      name: 'whole where all of it meets images',
      given: { x: [3, 2, 2], weight: [4, 3, 3, 3], attributes: { pads: [1, 1, 1, 1] } },
      dims: [4, 3, 3, 3],
    },
    {
      name: 'whole where two nodes read it',
      given: { x: [3, 1, 1], weight: [3, 3, 3, 3], attributes: { pads: [1, 1, 1, 1] }, reads: 2 },
      dims: [3, 3, 3, 3],
    },
    {
      name: 'with channels last where they come in blocks',
      given: { x: [16, 3, 4], weight: [32, 16, 3, 3], attributes: { pads: [1, 1, 1, 1] } },
      dims: [32, 3, 3, 16],
    },
    {
      name: 'cut and with channels last',
      given: { x: [16, 1, 4], weight: [32, 16, 3, 3], attributes: { pads: [1, 1, 1, 1] } },
      dims: [32, 1, 3, 16],
    },
    {
      name: 'in the order of the file where there are no blocks',
      given: { x: [16, 1, 4], weight: [32, 16, 3, 3], attributes: { pads: [1, 1, 1, 1] } },
      strengths: cudaStrengths,
      dims: [32, 16, 1, 3],
    },
    {
      name: 'whole where a library could not pad what is left',
      given: { x: [3, 2, 2], weight: [4, 3, 5, 5], attributes: { pads: [4, 4, 4, 4], strides: [3, 3] } },
      strengths: cudaStrengths,
      dims: [4, 3, 5, 5],
    },
  ] satisfies {
    name: string
    given: Given
    strengths?: Strengths
    dims: readonly number[]
  }[])
    it(`are ${name}`, async () => {
      const read = readStudent(await modelOf(given))
      const { student, shapes, intoFile, fromFile } = await holdKernels(read, { first: 0, strengths })
      const tensor = student.initializers.get('w')!
      expect(tensor.dims).to.deep.equal(dims)
      expect(shapes.get('w')).to.deep.equal(dims)
      expectAlike(await answers(student, given.x), await answers(read, given.x))
      const ofFile = floatValues(read.initializers.get('w')!)
      expect(intoFile(new Map([['w', floatValues(tensor)]])).get('w')).to.deep.equal(ofFile)
      expect(fromFile(new Map([['w', ofFile]])).get('w')).to.deep.equal(floatValues(tensor))
      const velocity = new Map([['w', new Float32Array(floatValues(tensor).length).fill(1)]])
      const velocityInFile = intoFile(velocity, 'zeros')
      const sum = velocityInFile.get('w')!.reduce((total, each) => total + each)
      expect(sum).to.equal(floatValues(tensor).length)
      expect(fromFile(velocityInFile)).to.deep.equal(velocity)
    })

  it('compute what the file does, and go back into it, whatever the window', async () => {
    const size = fc.integer({ min: 1, max: 4 })
    const pad = fc.integer({ min: 0, max: 3 })
    const pair = (each: fc.Arbitrary<number>) => fc.tuple(each, each)
    const convolution = fc
      .record({
        places: pair(size),
        kernel: pair(size),
        strides: pair(fc.integer({ min: 1, max: 3 })),
        dilations: pair(fc.integer({ min: 1, max: 3 })),
        pads: fc.tuple(pad, pad, pad, pad),
        wide: fc.boolean(),
        onCuda: fc.boolean(),
      })
      .filter(({ places, kernel, dilations, pads }) =>
        [0, 1].every(
          axis => places[axis]! + pads[axis]! + pads[axis + 2]! >= (kernel[axis]! - 1) * dilations[axis]! + 1,
        ),
      )
    await fc.assert(
      fc.asyncProperty(convolution, async ({ places, kernel, wide, onCuda, ...attributes }) => {
        const channels = wide ? 16 : 2
        const given: Given = { x: [channels, ...places], weight: [channels, channels, ...kernel], attributes }
        const read = readStudent(await modelOf(given))
        const strengths = onCuda ? cudaStrengths : cpu
        const { student, intoFile } = await holdKernels(read, { first: 0, strengths })
        expectAlike(await answers(student, given.x), await answers(read, given.x))
        const slots = packSlots([...student.initializers.values()].filter(({ name }) => name === 'w'))
        const held = new Map(unpackValues(slots, packValues(slots, student.initializers)))
        expect(intoFile(held).get('w')).to.deep.equal(floatValues(read.initializers.get('w')!))
      }),
      { numRuns: 40, seed: 3 },
    )
  })

  it('are held alike on all processors', async () => {
    for (const channels of [8, 16, 24, 32]) {
      const read = readStudent(await modelOf({ x: [channels, 4, 4], weight: [channels, channels, 3, 3] }))
      const dims = []
      for (const block of [1, 8, 16]) {
        const { student } = await holdKernels(read, { first: 0, strengths: { ...cpu, block } })
        dims.push(student.initializers.get('w')!.dims.join())
      }
      expect(new Set(dims).size).to.equal(1)
    }
  })

  it('are left as they are where nothing of the layer is trained', async () => {
    const read = readStudent(
      await modelOf({ x: [3, 1, 1], weight: [4, 3, 3, 3], attributes: { pads: [1, 1, 1, 1] } }),
    )
    const { student } = await holdKernels(read, { first: read.layers.length - 1, strengths: cpu })
    expect(student.initializers.get('w')!.dims).to.deep.equal([4, 3, 3, 3])
  })

  it('keep the values of places that no image meets through a training', async () => {
    const bytes = await modelOf({
      x: [3, 1, 1],
      weight: [4, 3, 3, 3],
      attributes: { pads: [1, 1, 1, 1] },
    })
    const draw = random(3, 'pixels')
    const set = {
      count: 12,
      shape: { channels: imageChannels, height: 1, width: 1 },
      pixels: Uint8Array.from({ length: 12 * imageChannels }, () => draw.integer(256)),
      labels: Int32Array.from({ length: 12 }, (_, i) => i % 3),
    }
    const { model } = await train({
      model: bytes,
      classes: 3,
      train: set,
      validation: set,
      configuration: {
        ...{ epochs: 2, batchSize: 4, learningRate: 0.1, weightDecay: 0.01, trainableLayers: 'all' },
        ...{ dataFraction: 1, seed: 1, threads: 1 },
      },
    })
    const weightsOf = (of: Uint8Array) => floatValues(readStudent(of).initializers.get('w')!)
    const [before, after] = [weightsOf(bytes), weightsOf(model)]
    for (const [i, value] of before.entries()) {
      if (i % 9 === 4) expect(after[i]).to.not.equal(value)
      else expect(after[i]).to.equal(value)
    }
  })
})
