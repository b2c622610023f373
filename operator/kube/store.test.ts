import { expect } from 'chai'
import fc from 'fast-check'
import type { KubeObject } from './objects.ts'
import { type Change, createStore } from './store.ts'

const pod = (name: string, version: number, more: Partial<KubeObject['metadata']> = {}): KubeObject => ({
  metadata: { namespace: 'n', name, uid: name, resourceVersion: `${version}`, ...more },
})

function recorded(store = createStore()) {
  const changes: string[] = []
  store.subscribe({
    onChange: ({ type, key, old, new: fresh }: Change) =>
      changes.push(
        `${type} ${key} ${old?.metadata.resourceVersion ?? '-'}→${fresh?.metadata.resourceVersion ?? '-'}`,
      ),
    onReplaced: () => changes.push('replaced'),
  })
  return { store, changes }
}

describe('store', () => {
  it('tells handlers what changed, with the old object and the new', () => {
    const { store, changes } = recorded()
    store.upsert(pod('a', 1))
    store.upsert(pod('a', 2))
    store.remove(pod('a', 3))
    expect(changes).to.deep.equal(['added n/a -→1', 'updated n/a 1→2', 'deleted n/a 2→-'])
    expect(store.size).to.equal(0)
  })

  it('never lets an older object overwrite or remove a newer one', () => {
    const { store, changes } = recorded()
    store.upsert(pod('a', 10))
    store.upsert(pod('a', 9))
    store.remove(pod('a', 9))
    store.upsert(pod('a', 10))
    expect(store.get('n/a')?.metadata.resourceVersion).to.equal('10')
    expect(changes).to.deep.equal(['added n/a -→10'])
  })

  it('takes a whole list as it is, and tells only the differences', () => {
    const { store, changes } = recorded()
    store.replace([pod('a', 1), pod('b', 2), pod('c', 3)])
    changes.length = 0
    store.replace([pod('a', 1), pod('b', 5), pod('d', 6)])
    expect(changes).to.deep.equal(['updated n/b 2→5', 'added n/d -→6', 'deleted n/c 3→-', 'replaced'])
  })

  it('takes a list of lower versions, as after a restore of etcd', () => {
    const { store } = recorded()
    store.replace([pod('a', 100)])
    store.replace([pod('a', 7)])
    expect(store.get('n/a')?.metadata.resourceVersion).to.equal('7')
  })

  it('tells of an object made anew under its name as deleted and added', () => {
    const { store, changes } = recorded()
    store.upsert(pod('a', 1))
    store.upsert(pod('a', 5, { uid: 'other' }))
    expect(changes).to.deep.equal(['added n/a -→1', 'deleted n/a 1→-', 'added n/a -→5'])
  })

  it('gives a late subscriber what is there', () => {
    const { store } = recorded()
    store.replace([pod('a', 1), pod('b', 2)])
    expect(recorded(store).changes).to.deep.equal(['added n/a -→1', 'added n/b -→2'])
  })

  it('stops telling a handler that unsubscribed', () => {
    const store = createStore()
    let calls = 0
    const unsubscribe = store.subscribe({ onChange: () => calls++ })
    unsubscribe()
    store.upsert(pod('a', 1))
    expect(calls).to.equal(0)
  })

  it('survives a handler that throws, and tells the others', () => {
    const logged: string[] = []
    const log = {
      debug() {},
      info() {},
      warn() {},
      error: (_: object, message: string) => logged.push(message),
    }
    const store = createStore({ log })
    store.subscribe({
      onChange() {
        throw new Error('oops')
      },
    })
    const { changes } = recorded(store)
    store.upsert(pod('a', 1))
    expect(changes).to.have.length(1)
    expect(logged).to.deep.equal(['a store handler threw'])
  })

  it('freezes objects to their leaves', () => {
    const store = createStore<KubeObject & { spec: { list: { x: number }[] } }>()
    store.upsert({ ...pod('a', 1), spec: { list: [{ x: 1 }] } })
    const item = store.get('n/a')?.spec.list[0]
    expect(() => {
      if (item) item.x = 2
    }).to.throw(TypeError)
  })

  it('finds objects by namespace, as they are at last', () => {
    const store = createStore()
    store.upsert(pod('a', 1))
    store.upsert(pod('b', 2, { namespace: 'm' }))
    store.upsert(pod('c', 3, { namespace: undefined }))
    store.upsert(pod('a', 4))
    const found = (namespace: string) =>
      store.inNamespace(namespace).map(({ metadata }) => metadata.resourceVersion)
    expect(found('n')).to.deep.equal(['4'])
    expect(found('m')).to.deep.equal(['2'])
    expect(found('')).to.deep.equal([])
    store.remove(pod('b', 5, { namespace: 'm' }))
    expect(found('m')).to.deep.equal([])
  })

  it('holds after any events what a model of the newest objects holds', () => {
    const event = fc.record({
      type: fc.constantFrom('upsert', 'remove'),
      name: fc.constantFrom('a', 'b', 'c'),
      namespace: fc.constantFrom('x', 'y'),
    })
    fc.assert(
      fc.property(
        fc.array(event, { maxLength: 30 }),
        fc.array(fc.nat(29), { maxLength: 10 }),
        (events, repeats) => {
          const store = createStore()
          const seen = new Map<string, string>()
          store.subscribe({
            onChange: ({ key, new: fresh }) => {
              if (fresh) seen.set(key, fresh.metadata.resourceVersion ?? '')
              else seen.delete(key)
            },
          })
          const model = new Map<string, { version: string; namespace: string }>()
          const objects = events.map(({ name, namespace }, index) => pod(name, index + 1, { namespace }))
          for (const [index, { type, name, namespace }] of events.entries()) {
            const object = objects[index] as KubeObject
            if (type === 'upsert') {
              store.upsert(object)
              model.set(`${namespace}/${name}`, { version: `${index + 1}`, namespace })
            } else {
              store.remove(object)
              model.delete(`${namespace}/${name}`)
            }
            // Late repetitions of older states of objects that are still there change nothing.
            for (const repeat of repeats) {
              const old = objects[repeat]
              if (!old || repeat >= index) continue
              const newest = model.get(`${old.metadata.namespace}/${old.metadata.name}`)
              if (newest !== undefined && Number(newest.version) > repeat + 1) store.upsert(old)
            }
          }
          expect(store.size).to.equal(model.size)
          for (const [key, { version }] of model) {
            expect(store.get(key)?.metadata.resourceVersion).to.equal(version)
            expect(seen.get(key)).to.equal(version)
          }
          for (const namespace of ['x', 'y']) {
            const want = [...model.values()].filter(value => value.namespace === namespace)
            expect(
              store.inNamespace(namespace).map(({ metadata }) => metadata.resourceVersion),
            ).to.have.members(want.map(({ version }) => version))
          }
        },
      ),
    )
  })
})
