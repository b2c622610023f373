import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { binaryDirectory, cacheDirectory, ensureBinaries, findBinaries } from './binaries.ts'
import { ControlPlaneError } from './errors.ts'
import { type ComponentName, components, pinnedVersions } from './versions.ts'

describe('findBinaries', () => {
  let root: string
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'ekya-test-'))
  })
  afterEach(() => rmSync(root, { recursive: true, force: true }))

  const { kubernetes, etcd } = pinnedVersions()
  const all = components.map(({ name }) => name)

  function program(folder: string, name: string, output: string): string {
    mkdirSync(join(root, folder), { recursive: true })
    const path = join(root, folder, name)
    writeFileSync(path, `#!/bin/sh\necho "${output}"\n`)
    chmodSync(path, 0o755)
    return path
  }
  const programs = (folder: string, names: readonly ComponentName[], version = kubernetes) =>
    names.map(name =>
      program(folder, name, name === 'etcd' ? `etcd Version: ${etcd}` : `Kubernetes v${version}`),
    )
  // The script's interpreter and echo need no PATH.
  const environment = (more: NodeJS.ProcessEnv = {}) => ({
    EKYA_CACHE: join(root, 'cache'),
    PATH: join(root, 'path'),
    ...more,
  })

  it('finds nothing where nothing is', async () => {
    expect(await findBinaries({ environment: environment() })).to.deep.equal({ found: {}, missing: all })
  })

  it('prefers KUBEBUILDER_ASSETS, then the cache, then PATH', async () => {
    const cache = binaryDirectory(environment()).slice(root.length + 1)
    programs('assets', ['etcd'])
    programs(cache, ['etcd', 'kube-apiserver'])
    programs('path', all)
    const { found, missing } = await findBinaries({
      environment: environment({ KUBEBUILDER_ASSETS: join(root, 'assets') }),
    })
    expect(missing).to.deep.equal([])
    expect(found.etcd).to.equal(join(root, 'assets/etcd'))
    expect(found['kube-apiserver']).to.equal(join(root, cache, 'kube-apiserver'))
    expect(found['kube-scheduler']).to.equal(join(root, 'path/kube-scheduler'))
  })

  it('does not take another minor version, and says so for KUBEBUILDER_ASSETS', async () => {
    programs('assets', ['kube-apiserver'], '1.28.3')
    programs('path', ['kube-scheduler'], '1.99.0')
    const lines: string[] = []
    const { missing } = await findBinaries({
      environment: environment({ KUBEBUILDER_ASSETS: join(root, 'assets') }),
      onProgress: line => lines.push(line),
    })
    expect(missing).to.deep.equal(all)
    expect(lines).to.deep.equal([
      `not using ${join(root, 'assets/kube-apiserver')}: it is 1.28.3; accepted is 1.35.x`,
    ])
  })

  it('ignores files that cannot be run', async () => {
    const [path] = programs('path', ['etcd'])
    chmodSync(path!, 0o644)
    expect((await findBinaries({ environment: environment() })).missing).to.include('etcd')
  })

  it('builds nothing where nothing is missing', async () => {
    programs('path', all)
    const found = await ensureBinaries({ environment: environment() })
    expect(Object.keys(found)).to.have.members(all)
    expect(existsSync(join(root, 'cache'))).to.equal(false)
  })

  it('names Go, how to get it and the way without it, when it is missing', async () => {
    const before = process.env.PATH
    process.env.PATH = join(root, 'path')
    try {
      await ensureBinaries({ environment: environment() })
      expect.fail('no error')
    } catch (error) {
      expect(error).to.be.instanceOf(ControlPlaneError).and.include({ code: 'go-missing' })
      expect((error as Error).message)
        .to.contain('https://go.dev/dl/')
        .and.to.contain('KUBEBUILDER_ASSETS')
    } finally {
      process.env.PATH = before
    }
  })

  for (const { name, environment: given, want } of [
    { name: 'EKYA_CACHE', environment: { EKYA_CACHE: '/a', XDG_CACHE_HOME: '/b' }, want: /^\/a$/ },
    { name: 'XDG_CACHE_HOME', environment: { XDG_CACHE_HOME: '/b' }, want: /^\/b\/ekya-operator$/ },
    { name: 'the home folder', environment: {}, want: /\/\.cache\/ekya-operator$/ },
  ]) {
    it(`keeps its cache where ${name} says`, () => expect(cacheDirectory(given)).to.match(want))
  }
})
