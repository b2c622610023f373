import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { digestOf } from './classifier.ts'
import { readManifest, resolveModel, storeModel } from './store.ts'

const createdAt = '2026-01-02T03:04:05Z'

describe('the model store', () => {
  let storage: string
  beforeEach(async () => {
    storage = await mkdtemp(join(tmpdir(), 'store-'))
  })
  afterEach(() => rm(storage, { recursive: true }))
  const request = (text: string) => ({
    ...{ storage, namespace: 'default', stream: 'cam-1', createdAt },
    model: new TextEncoder().encode(text),
  })

  it('names a model by its digest and lists it in the manifest', async () => {
    const { model } = request('one')
    const stored = await storeModel({ ...request('one'), details: { window: 3 } })
    expect(stored).to.deep.equal({
      uri: `models/default/cam-1/${digestOf(model)}.onnx`,
      digest: digestOf(model),
    })
    expect(await readFile(resolveModel(storage, stored), 'utf8')).to.equal('one')
    expect(await readManifest(join(storage, 'models/default/cam-1/manifest.json'))).to.deep.equal([
      { window: 3, digest: stored.digest, createdAt },
    ])
  })

  it('keeps one entry per model, leaves no partial file, and survives a damaged manifest', async () => {
    await storeModel(request('one'))
    await storeModel(request('one'))
    await storeModel(request('two'))
    const folder = join(storage, 'models/default/cam-1')
    expect(await readManifest(join(folder, 'manifest.json'))).to.have.length(2)
    await writeFile(join(folder, 'manifest.json'), '{')
    await storeModel(request('three'))
    expect(await readManifest(join(folder, 'manifest.json'))).to.have.length(1)
    expect(
      (await readdir(folder)).filter(name => !/^([0-9a-f]{64}\.onnx|manifest\.json)$/.test(name)),
    ).to.deep.equal([])
  })

  it('says which file cannot be written', async () => {
    await writeFile(join(storage, 'models'), 'a file where a folder should be')
    const error = await storeModel(request('one')).catch((reason: Error) => reason)
    expect(error).to.have.property('code', 'StorageFailed')
    expect((error as Error).message).to.contain(join(storage, 'models/default/cam-1'))
  })
})

describe('resolveModel', () => {
  for (const { uri, want } of [
    { uri: 'models/a.onnx', want: '/data/models/a.onnx' },
    { uri: 'models/../b.onnx', want: '/data/b.onnx' },
    { uri: 'file:///elsewhere/c.onnx', want: '/elsewhere/c.onnx' },
  ])
    it(`finds ${uri}`, () => expect(resolveModel('/data', { uri })).to.equal(want))

  for (const uri of [
    '../a.onnx',
    'models/../../a.onnx',
    '/etc/a.onnx',
    'https://host/a.onnx',
    '.',
    'file://host/a.onnx',
  ])
    it(`refuses ${uri}`, () =>
      expect(() => resolveModel('/data', { uri }))
        .to.throw(uri)
        .with.property('code', 'ModelInvalid'))
})
