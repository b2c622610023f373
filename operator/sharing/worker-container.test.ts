import { expect } from 'chai'
import { workerOf } from './worker-container.ts'

describe("a pod's worker container", () => {
  const metadata = { namespace: 'a', name: 'b' }

  it('is found by its name beside others', () =>
    expect(
      workerOf({ metadata, spec: { containers: [{ name: 'sidecar' }, { name: 'worker' }] } }),
    ).to.deep.equal({
      name: 'worker',
    }))

  it('is missed by the name of its pod', () =>
    expect(() => workerOf({ metadata, spec: { containers: [{ name: 'sidecar' }] } })).to.throw(
      'pod a/b has no container named worker',
    ))
})
