import { expect } from 'chai'
import { impersonatingKubeconfig } from './configuration.ts'

describe('access of a node to its cluster', () => {
  const original = {
    'current-context': 'b',
    contexts: [
      { name: 'a', context: { cluster: 'ca', user: 'ua' } },
      { name: 'b', context: { cluster: 'cb', user: 'ub' } },
    ],
    clusters: [
      { name: 'ca', cluster: { server: 'https://a' } },
      { name: 'cb', cluster: { server: 'https://127.0.0.1:1', 'certificate-authority-data': 'x' } },
    ],
    users: [
      { name: 'ua', user: { token: 'a' } },
      { name: 'ub', user: { token: 'b' } },
    ],
  }
  const as = {
    server: 'https://10.243.0.1:2',
    tlsServerName: '127.0.0.1',
    user: 'system:node:n',
    groups: ['system:nodes'],
  }

  it('is that of the current context under another name, by another address, with the same certificate', () => {
    const made = impersonatingKubeconfig(original, as) as typeof original
    expect(made.clusters[0]!.cluster).to.deep.equal({
      server: 'https://10.243.0.1:2',
      'certificate-authority-data': 'x',
      'tls-server-name': '127.0.0.1',
    })
    expect(made.users[0]!.user).to.deep.equal({
      token: 'b',
      as: 'system:node:n',
      'as-groups': ['system:nodes'],
    })
  })

  it('is an error where the current context is missing', () => {
    expect(() => impersonatingKubeconfig({ ...original, 'current-context': 'c' }, as)).to.throw(
      'no current context',
    )
  })
})
