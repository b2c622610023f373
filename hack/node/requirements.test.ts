import { expect } from 'chai'
import { missingPackages } from './requirements.ts'

describe('packages a real node needs', () => {
  const programs = [
    'containerd',
    'ctr',
    'runc',
    'buildah',
    'ip',
    'iptables',
    'conntrack',
    'dnsmasq',
    'unshare',
    'nsenter',
    'mount',
  ]
  const files = ['/usr/lib/cni/bridge', '/bin/busybox', ...programs.map(name => `/sbin/${name}`)]
  for (const { without, want } of [
    { without: [], want: [] },
    { without: ['/sbin/ctr'], want: ['containerd'] },
    { without: ['/sbin/unshare', '/sbin/nsenter'], want: ['util-linux'] },
    {
      without: ['/usr/lib/cni/bridge', '/bin/busybox'],
      want: ['containernetworking-plugins', 'busybox-static'],
    },
  ]) {
    it(`names ${want.join(' and ') || 'none'} without ${without.join(', ') || 'anything lacking'}`, () => {
      const found = missingPackages(
        { PATH: '/bin:/sbin' },
        path => files.includes(path) && !(without as string[]).includes(path),
      )
      expect(found).to.deep.equal(want)
    })
  }
})
