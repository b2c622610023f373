import { expect } from 'chai'
import fc from 'fast-check'
import { compareResourceVersions, keyFor, ownerReference, parseKey } from './objects.ts'
import { apiVersionOf, collectionPath, objectPath, pods, type Resource } from './resources.ts'

describe('compareResourceVersions', () => {
  for (const { a, b, want } of [
    { a: '9', b: '10', want: -1 },
    { a: '18446744073709551615', b: '18446744073709551614', want: 1 },
    { a: '9007199254740993', b: '9007199254740992', want: 1 },
    { a: '7', b: '7', want: 0 },
    { a: undefined, b: '7', want: 0 },
    { a: 'x1', b: '7', want: 0 },
    { a: '', b: '7', want: 0 },
  ]) {
    it(`of ${a} and ${b} is ${want}`, () => expect(Math.sign(compareResourceVersions(a, b))).to.equal(want))
  }

  it('orders as integers of any size', () => {
    const version = fc.bigInt({ min: 1n, max: 2n ** 64n - 1n })
    fc.assert(
      fc.property(version, version, (a, b) => {
        const want = a < b ? -1 : a > b ? 1 : 0
        expect(Math.sign(compareResourceVersions(`${a}`, `${b}`))).to.equal(want)
      }),
    )
  })
})

describe('keys', () => {
  for (const { at, key } of [
    { at: { namespace: 'ns', name: 'a.b' }, key: 'ns/a.b' },
    { at: { name: 'node-1' }, key: 'node-1' },
  ]) {
    it(`${key} stands for its object`, () => {
      expect(keyFor(at)).to.equal(key)
      expect(parseKey(key)).to.deep.equal(at)
    })
  }
})

describe('ownerReference', () => {
  it('names the owner as controller', () => {
    const owner = {
      apiVersion: 'ekya.dev/v1alpha1',
      kind: 'CameraStream',
      metadata: { name: 'cam', uid: 'u' },
    }
    expect(ownerReference(owner)).to.deep.equal({
      apiVersion: 'ekya.dev/v1alpha1',
      kind: 'CameraStream',
      name: 'cam',
      uid: 'u',
      controller: true,
      blockOwnerDeletion: false,
    })
  })

  it('refuses an owner without uid', () => {
    expect(() =>
      ownerReference({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: 'n' } }),
    ).to.throw(TypeError, /owner n\/p: .*uid/)
  })
})

describe('paths', () => {
  const cameras: Resource = {
    group: 'ekya.dev',
    version: 'v1alpha1',
    kind: 'CameraStream',
    plural: 'camerastreams',
    namespaced: true,
  }
  for (const { name, got, want } of [
    { name: 'of a core collection', got: () => collectionPath(pods, 'n'), want: '/api/v1/namespaces/n/pods' },
    {
      name: 'of all namespaces',
      got: () => collectionPath(cameras),
      want: '/apis/ekya.dev/v1alpha1/camerastreams',
    },
    {
      name: 'of a subresource',
      got: () => objectPath(pods, { namespace: 'n', name: 'p' }, 'resize'),
      want: '/api/v1/namespaces/n/pods/p/resize',
    },
    {
      name: 'keep odd names in their segment',
      got: () => objectPath(pods, { namespace: 'n', name: '../x' }),
      want: '/api/v1/namespaces/n/pods/..%2Fx',
    },
    {
      name: 'apiVersion',
      got: () => `${apiVersionOf(pods)} ${apiVersionOf(cameras)}`,
      want: 'v1 ekya.dev/v1alpha1',
    },
  ]) {
    it(name, () => expect(got()).to.equal(want))
  }

  it('want a namespace where the resource has them', () => {
    expect(() => objectPath(pods, { name: 'p' })).to.throw(TypeError, /pods p: a namespace is needed/)
  })
})
