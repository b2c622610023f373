import { expect } from 'chai'
import { smallCnn } from './architectures/small-cnn.ts'
import {
  dataType,
  decodeModel,
  encodeModel,
  floatAttribute,
  floatTensor,
  floatValues,
  intAttribute,
  intsAttribute,
  intTensor,
  intValues,
  node,
  stringAttribute,
  type ValueInfoProto,
} from './onnx.ts'

describe('ONNX files', () => {
  const bytes = smallCnn({ classes: 4, seed: 1, widths: [4] })

  it('survive reading and writing byte for byte', () =>
    expect(Buffer.from(encodeModel(decodeModel(bytes))).equals(bytes)).to.equal(true))

  it('keep parts that nobody here understands', () => {
    const model = decodeModel(bytes)
    const functions = [Uint8Array.of(10, 1, 65), Uint8Array.of(10, 1, 66)]
    const again = decodeModel(encodeModel({ ...model, functions }))
    expect(again.functions!.map(each => [...each])).to.deep.equal(functions.map(each => [...each]))
  })

  it('tell a zero from nothing', () => {
    const model = decodeModel(bytes)
    model.graph.node.push(node('X', ['input'], ['z'], { axis: 0, beta: { float: 0 } }))
    const read = decodeModel(encodeModel(model)).graph.node.at(-1)!
    expect(intAttribute(read, 'axis', 1)).to.equal(0)
    expect(floatAttribute(read, 'beta', 1)).to.equal(0)
  })

  it('follow from the seed', () => {
    expect(Buffer.from(smallCnn({ classes: 4, seed: 1, widths: [4] })).equals(bytes)).to.equal(true)
    expect(Buffer.from(smallCnn({ classes: 4, seed: 2, widths: [4] })).equals(bytes)).to.equal(false)
  })

  it('name input and output as every student does', () => {
    const { graph, opsetImport } = decodeModel(bytes)
    const dims = (value: ValueInfoProto) =>
      value.type?.tensorType?.shape?.dim?.map(dim => dim.dimValue ?? dim.dimParam)
    expect(graph.input.map(value => [value.name, dims(value)])).to.deep.equal([['input', ['N', 3, 32, 32]]])
    expect(graph.output.map(value => [value.name, dims(value)])).to.deep.equal([['logits', ['N', 4]]])
    expect(opsetImport).to.deep.equal([{ version: 17 }])
  })

  for (const { name, damaged } of [
    { name: 'text', damaged: new TextEncoder().encode('this is no model') },
    { name: 'nothing', damaged: new Uint8Array() },
    { name: 'half a file', damaged: bytes.subarray(0, bytes.length >> 1) },
  ])
    it(`are refused by name when they are ${name}`, () =>
      expect(() => decodeModel(damaged, 'models/a.onnx'))
        .to.throw('models/a.onnx is not an ONNX file')
        .with.property('code', 'ModelInvalid'))
})

describe('attributes', () => {
  const given = node('X', ['a'], ['b'], { i: 3, f: { float: 0.5 }, s: 'SAME', list: [1, -2] })
  it('are read by type, with a default where they are absent', () => {
    expect(intAttribute(given, 'i', 0)).to.equal(3)
    expect(intAttribute(given, 'none', 7)).to.equal(7)
    expect(floatAttribute(given, 'f', 0)).to.equal(0.5)
    expect(stringAttribute(given, 's', '')).to.equal('SAME')
    expect(stringAttribute(given, 'none', 'x')).to.equal('x')
    expect(intsAttribute(given, 'list')).to.deep.equal([1, -2])
    expect(intsAttribute(given, 'none')).to.equal(undefined)
  })
})

describe('attributes without a value, as writers by the rules of proto3 leave zeros', () => {
  it('are 0, whatever holds where there is none', () => {
    const given = { opType: 'X', input: [], output: [], attribute: [{ name: 'beta' }, { name: 'axis' }] }
    expect([floatAttribute(given, 'beta', 1), intAttribute(given, 'axis', -1)]).to.deep.equal([0, 0])
  })
})

describe('tensors', () => {
  it('give back their values, raw or not', () => {
    expect([...floatValues(floatTensor('t', [2, 1], [1.5, -2]))]).to.deep.equal([1.5, -2])
    expect([
      ...floatValues({ name: 't', dims: [2], dataType: dataType.float, floatData: [1, 2] }),
    ]).to.deep.equal([1, 2])
    expect(intValues(intTensor('t', [2], [-1, 5]))).to.deep.equal([-1, 5])
  })

  it('are refused with another type, size, or outside the file', () => {
    const tensor = floatTensor('t', [2], [1, 2])
    for (const bad of [
      { ...tensor, dataType: dataType.double },
      { ...tensor, dims: [3] },
      { ...tensor, externalData: [{ key: 'location', value: 'weights.bin' }] },
    ])
      expect(() => floatValues(bad))
        .to.throw('tensor t')
        .with.property('code', 'ModelInvalid')
  })
})
