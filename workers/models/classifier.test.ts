import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { smallCnn } from './architectures/small-cnn.ts'
import { digestOf, largest, loadClassifier, openClassifier } from './classifier.ts'
import { encodeModel, floatTensor, floatValue, model, node } from './onnx.ts'

const shape = { channels: 3, height: 8, width: 8 }
const bytes = smallCnn({ classes: 5, seed: 3, widths: [4, 4], shape })

describe('a classifier', () => {
  let folder: string
  let file: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'classifier-'))
    file = join(folder, 'student.onnx')
    await writeFile(file, bytes)
  })
  after(() => rm(folder, { recursive: true }))

  it('tells digest, classes and input, and gives each image the answer it gets alone', async () => {
    const classifier = await loadClassifier(file, { expectedClasses: 5, expectedDigest: digestOf(bytes) })
    expect(classifier).to.deep.include({ classes: 5, input: shape, digest: digestOf(bytes) })
    const pixels = Uint8Array.from({ length: 3 * 192 }, (_, i) => (i * i) % 251)
    const logits = await classifier.logits(pixels, 3)
    const alone = await classifier.logits(pixels.subarray(192, 384), 1)
    for (const [i, value] of alone.entries()) expect(value).to.be.closeTo(logits[5 + i]!, 1e-5)
    expect(await classifier.classify(pixels, 3)).to.deep.equal(largest(logits, 5))
    expect(await classifier.classify(new Uint8Array(), 0)).to.have.length(0)
    await classifier.close()
  })

  it('refuses pixels of another count', async () => {
    const classifier = await loadClassifier(file)
    const error = await classifier.logits(new Uint8Array(10), 1).catch((reason: Error) => reason)
    expect((error as Error).message).to.equal('1 images need 192 bytes, got 10')
    await classifier.close()
  })

  const flat = model({
    name: 'flat',
    node: [node('Relu', ['x'], ['y'])],
    initializer: [floatTensor('unused', [1], [0])],
    input: [floatValue('x', ['N', 4])],
    output: [floatValue('y', ['N', 4])],
  })
  for (const { name, load, code, message } of [
    {
      name: 'a missing file',
      load: () => loadClassifier(join(folder, 'none.onnx')),
      code: 'ModelNotFound',
      message: /there is no model file .*none\.onnx/,
    },
    {
      name: 'another digest',
      load: () => loadClassifier(file, { expectedDigest: 'ab' }),
      code: 'ModelDigestMismatch',
      message: /student\.onnx has the digest [0-9a-f]{64}, expected ab/,
    },
    {
      name: 'another number of classes',
      load: () => loadClassifier(file, { expectedClasses: 6 }),
      code: 'ModelClassesMismatch',
      message: /student\.onnx has 5 outputs but 6 classes are named/,
    },
    {
      name: 'a file that is no model',
      load: () => openClassifier(new TextEncoder().encode('hello'), 'a.onnx'),
      code: 'ModelInvalid',
      message: /a\.onnx cannot be loaded/,
    },
    {
      name: 'a model that takes no images',
      load: () => openClassifier(encodeModel(flat), 'flat.onnx'),
      code: 'ModelInvalid',
      message: /flat\.onnx maps x float32 \[N,4\] to y float32 \[N,4\]; accepted: one float32 input/,
    },
  ])
    it(`is refused for ${name}`, async () => {
      const error = await load().then(
        () => null,
        (reason: Error) => reason,
      )
      expect(error).to.have.property('code', code)
      expect(error!.message).to.match(message)
    })
})
