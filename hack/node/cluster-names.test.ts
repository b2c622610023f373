import { expect } from 'chai'
import { hostsOf } from './cluster-names.ts'

describe('names of Services', () => {
  it('are those with an address, in full and without the domain', () => {
    const service = (name: string, clusterIP?: string) => ({
      metadata: { name, namespace: 'edge' },
      spec: clusterIP === undefined ? {} : { clusterIP },
    })
    expect(hostsOf([service('a', '10.0.0.7'), service('headless', 'None'), service('pending')])).to.equal(
      '10.0.0.7 a.edge.svc.cluster.local a.edge.svc\n',
    )
  })
})
