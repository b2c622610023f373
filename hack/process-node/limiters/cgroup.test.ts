import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import fc from 'fast-check'
import { cgroupLimiter } from './cgroup.ts'
import { cgroupMounts } from './cgroup-mounts.ts'
import { chooseLimiter } from './choose.ts'
import { bandwidth, cpuShares, cpuWeight } from './limiter.ts'

describe('bandwidth', () => {
  for (const { cores, want } of [
    { cores: 0.2, want: { quotaMicros: 10_000, periodMicros: 50_000 } },
    { cores: 1.5, want: { quotaMicros: 75_000, periodMicros: 50_000 } },
    { cores: 0.01, want: { quotaMicros: 1_000, periodMicros: 100_000 } },
    { cores: 0.0001, want: { quotaMicros: 1_000, periodMicros: 1_000_000 } },
  ]) {
    it(`gives ${cores} cores`, () => expect(bandwidth(cores)).to.deep.equal(want))
  }

  it('stays within what the kernel takes, and within 1 % of what was asked for', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.001, max: 256, noNaN: true }), cores => {
        const { quotaMicros, periodMicros } = bandwidth(cores)
        expect(quotaMicros).to.be.at.least(1000)
        expect(periodMicros).to.be.within(1000, 1_000_000)
        expect(quotaMicros / periodMicros / cores).to.be.within(0.99, 1.01)
      }),
    )
  })
})

describe('weights', () => {
  it('are those of Kubernetes', () => {
    expect([0, 0.25, 1, 1000].map(cpuShares)).to.deep.equal([2, 256, 1024, 262_144])
    expect([0, 1, 1000].map(cpuWeight)).to.deep.equal([1, 39, 10_000])
  })
})

describe('cgroupMounts', () => {
  it('finds the version 1 hierarchies of this process', () => {
    const mountinfo = [
      '30 25 0:26 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct',
      '31 25 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory',
    ].join('\n')
    expect(cgroupMounts(mountinfo, '4:cpu,cpuacct:/\n')).to.deep.equal({
      v1: { cpu: '/sys/fs/cgroup/cpu,cpuacct', cpuacct: '/sys/fs/cgroup/cpu,cpuacct' },
    })
  })

  it('finds nothing where nothing is mounted', () => expect(cgroupMounts('', '')).to.deep.equal({}))
})

describe('cgroupLimiter', () => {
  let root: string
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'ekya-test-'))
  })
  afterEach(() => rmSync(root, { recursive: true, force: true }))

  it('says why where no group can be made', () => {
    expect(() => cgroupLimiter('node', 1, {})).to.throw('no hierarchy with a cpu controller is mounted')
    const mounts = { v2: join(root, 'absent') }
    expect(() => cgroupLimiter('node', 1, mounts)).to.throw('Control groups cannot limit cpu here: cgroup-v2')
  })

  it('is replaced by pausing unless it was asked for', () => {
    expect(chooseLimiter('pause', 'node', 1).kind).to.equal('pause')
  })

  it('writes quota, period and weight of version 2, and reads the usage', () => {
    // Files stand for the kernel: what a controller's folder would show by itself must be there before.
    writeFileSync(join(root, 'cgroup.subtree_control'), 'cpu memory\n')
    const group = (name: string) => {
      mkdirSync(join(root, 'node', name), { recursive: true })
      writeFileSync(join(root, 'node', name, 'cpu.stat'), 'usage_usec 2500000\nuser_usec 1\n')
    }
    group('probe')
    group('a')
    writeFileSync(join(root, 'node', 'cgroup.subtree_control'), 'cpu\n')
    const limiter = cgroupLimiter('node', 1.5, { v2: root })
    expect(limiter.kind).to.equal('cgroup-v2')
    const a = limiter.group('a', { cores: 0.3, requestedCores: 0.3 })
    const read = (file: string) => readFileSync(join(root, 'node/a', file), 'utf8')
    expect(read('cpu.max')).to.equal('15000 50000')
    expect(read('cpu.weight')).to.equal(String(cpuWeight(0.3)))
    a.setLimit({ cores: 0.9, requestedCores: 0.9 })
    expect(read('cpu.max')).to.equal('45000 50000')
    a.setLimit({ requestedCores: 0 })
    expect(read('cpu.max')).to.equal('max')
    expect(a.usedSeconds()).to.equal(2.5)
    expect(a.enter(['run', 'x']).slice(-2)).to.deep.equal(['run', 'x'])
  })
})
