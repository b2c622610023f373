import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { installProvider, librariesFolder, providerLibraries, removeProvider } from './cuda-provider.ts'

const runtime = JSON.parse(
  readFileSync(new URL('../../node_modules/onnxruntime-node/package.json', import.meta.url), 'utf8'),
) as { version: string }

describe("the runtime's CUDA provider", () => {
  const cacheBefore = process.env.EKYA_CACHE
  let folder = ''
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'ekya-provider-'))
    process.env.EKYA_CACHE = join(folder, 'cache')
  })
  afterEach(() => {
    if (cacheBefore === undefined) delete process.env.EKYA_CACHE
    else process.env.EKYA_CACHE = cacheBefore
    rmSync(folder, { recursive: true })
  })

  it('goes where the installed runtime has its library', () => {
    expect(readdirSync(librariesFolder())).to.include('libonnxruntime.so.1')
  })

  it('is taken from the cache in the version of the runtime, and removed without touching the runtime', async () => {
    const cached = join(folder, 'cache', `cuda-provider-${runtime.version}`)
    mkdirSync(cached, { recursive: true })
    for (const name of providerLibraries) writeFileSync(join(cached, name), name)
    const libraries = librariesFolder(join(folder, 'package'))
    mkdirSync(libraries, { recursive: true })
    writeFileSync(join(libraries, 'libonnxruntime.so.1'), 'runtime')

    await installProvider(libraries)
    expect(readdirSync(libraries)).to.have.members(['libonnxruntime.so.1', ...providerLibraries])

    removeProvider(libraries)
    expect(readdirSync(libraries)).to.deep.equal(['libonnxruntime.so.1'])
    removeProvider(libraries)
  })
})
