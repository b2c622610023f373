import { expect } from 'chai'
import { mergedStore } from './merged-store.ts'
import { createStore } from './store.ts'

const pod = (namespace: string, name: string) => ({
  metadata: { namespace, name, uid: name, resourceVersion: '1' },
})

describe('mergedStore', () => {
  it('reads several stores as one, and passes on what any of them tells', () => {
    const stores = [createStore(), createStore()] as const
    const merged = mergedStore(stores)
    stores[0].upsert(pod('n', 'a'))
    const keys: string[] = []
    const unsubscribe = merged.subscribe({ onChange: ({ key }) => keys.push(key) })
    stores[1].upsert(pod('m', 'b'))
    expect(keys).to.deep.equal(['n/a', 'm/b'])
    expect(merged.size).to.equal(2)
    expect(merged.get('m/b')?.metadata.name).to.equal('b')
    expect(merged.list()).to.have.length(2)
    expect(merged.inNamespace('m')).to.have.length(1)
    unsubscribe()
    stores[1].upsert(pod('m', 'c'))
    expect(keys).to.have.length(2)
  })
})
