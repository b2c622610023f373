import { expect } from 'chai'
import { cacheKey, compareVersions, parseVersions, pinnedVersions } from './versions.ts'

describe('versions of the control plane', () => {
  it('are read from go.mod', () => {
    expect(pinnedVersions().kubernetes).to.match(/^1\.\d+\.\d+$/)
    expect(pinnedVersions().etcd).to.match(/^3\.\d+\.\d+$/)
  })

  it('are found in single and in block requirements, and not in replacements', () => {
    const goMod = [
      'go 1.25.0',
      'require k8s.io/kubernetes v1.35.4',
      'require (',
      '\tgo.etcd.io/etcd/server/v3 v3.6.5',
      ')',
      'replace k8s.io/api => k8s.io/api v0.35.4',
    ].join('\n')
    expect(parseVersions(goMod)).to.deep.equal({ kubernetes: '1.35.4', etcd: '3.6.5', go: '1.25.0' })
  })

  it('are an error where go.mod lacks one', () => {
    expect(() => parseVersions('go 1.25.0')).to.throw('names no version of k8s.io/kubernetes')
  })

  it('tell cache folders apart', () => {
    const versions = { kubernetes: '1.35.4', etcd: '3.6.5', go: '1.25.0' }
    expect(cacheKey(versions)).to.not.equal(cacheKey({ ...versions, etcd: '3.6.6' }))
  })

  for (const { a, b, want } of [
    { a: '1.25.0', b: '1.25.0', want: 0 },
    { a: '1.26.8', b: '1.25.0', want: 1 },
    { a: '1.9', b: '1.25.0', want: -1 },
    { a: '1.25', b: '1.25.0', want: 0 },
    { a: '1.26-rc1', b: '1.26.0', want: 0 },
    { a: '', b: '1.25.0', want: -1 },
  ]) {
    it(`compares ${a || 'nothing'} with ${b}`, () => expect(compareVersions(a, b)).to.equal(want))
  }
})
