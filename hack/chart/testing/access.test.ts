import { expect } from 'chai'
import { accessOf, allows, grants } from './access.ts'

describe('accessOf', () => {
  for (const { call, want } of [
    { call: 'GET /api/v1/nodes', want: { group: '', resource: 'nodes', verb: 'list' } },
    { call: 'WATCH /api/v1/nodes', want: { group: '', resource: 'nodes', verb: 'watch' } },
    {
      call: 'POST /api/v1/namespaces/a/pods',
      want: { group: '', resource: 'pods', verb: 'create', namespace: 'a' },
    },
    {
      call: 'PATCH /api/v1/namespaces/a/pods/p/resize',
      want: { group: '', resource: 'pods/resize', verb: 'patch', name: 'p', namespace: 'a' },
    },
    {
      call: 'DELETE /api/v1/namespaces/a/pods/p',
      want: { group: '', resource: 'pods', verb: 'delete', name: 'p', namespace: 'a' },
    },
    {
      call: 'GET /apis/coordination.k8s.io/v1/namespaces/a/leases/l',
      want: { group: 'coordination.k8s.io', resource: 'leases', verb: 'get', name: 'l', namespace: 'a' },
    },
    {
      call: 'PATCH /apis/ekya.dev/v1alpha1/namespaces/a/camerastreams/c/status',
      want: { group: 'ekya.dev', resource: 'camerastreams/status', verb: 'patch', name: 'c', namespace: 'a' },
    },
  ])
    it(call, () => {
      const [method, path] = call.split(' ') as [string, string]
      expect(accessOf(method === 'WATCH' ? 'GET' : method, path, method === 'WATCH')).to.deep.equal(want)
    })

  it('refuses what is no resource', () => {
    expect(() => accessOf('GET', '/readyz', false)).to.throw(/readyz is no path of a resource/)
  })
})

describe('allows', () => {
  const rule = { apiGroups: [''], resources: ['pods', 'pods/resize'], verbs: ['get', 'patch'] }
  const call = { group: '', resource: 'pods', verb: 'get', name: 'a' }
  for (const { name, with: change, want } of [
    { name: 'what the rule names', with: {}, want: true },
    { name: 'another verb', with: { verb: 'delete' }, want: false },
    { name: 'another resource', with: { resource: 'pods/log' }, want: false },
    { name: 'another group', with: { group: 'apps' }, want: false },
  ])
    it(name, () => expect(allows(rule, { ...call, ...change })).to.equal(want))

  it('keeps to the names of a rule', () => {
    const named = { ...rule, resourceNames: ['a'] }
    expect(allows(named, call)).to.equal(true)
    expect(allows(named, { ...call, name: 'b' })).to.equal(false)
    expect(allows(named, { group: '', resource: 'pods', verb: 'get' })).to.equal(false)
  })

  it('lists each grant of a rule', () => {
    expect(grants(rule)).to.deep.equal(['/pods get', '/pods patch', '/pods/resize get', '/pods/resize patch'])
  })
})
