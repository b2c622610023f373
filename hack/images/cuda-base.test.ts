import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { addCuda } from './cuda-base.ts'

describe('a base with CUDA', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'ekya-cuda-base-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  it('has the libraries where the loader looks, cuDNN by both of its names', () => {
    const [libraries, root] = [join(folder, 'cuda'), join(folder, 'root')]
    mkdirSync(libraries)
    for (const name of ['libcudnn.so.9', 'libcublas.so.13']) writeFileSync(join(libraries, name), name)
    addCuda(libraries, root)
    const at = (name: string) => readFileSync(join(root, 'usr/lib/x86_64-linux-gnu', name), 'utf8')
    expect(at('libcublas.so.13')).to.equal('libcublas.so.13')
    expect([at('libcudnn.so.9'), at('libcudnn.so')]).to.deep.equal(['libcudnn.so.9', 'libcudnn.so.9'])
  })
})
