import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { clientProcess, podUidOf, shareOf } from './client-processes.ts'

const uid = '0e6e2c6b-5d3f-4a44-9d0a-1b2c3d4e5f60'

describe('podUidOf', () => {
  for (const { name, cgroup, want } of [
    {
      name: 'cgroup v2 under systemd',
      cgroup: `0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${uid.replaceAll('-', '_')}.slice/cri-containerd-0123.scope\n`,
      want: uid,
    },
    {
      name: 'a guaranteed pod under systemd',
      cgroup: `0::/kubepods.slice/kubepods-pod${uid.replaceAll('-', '_')}.slice/cri-containerd-0123.scope\n`,
      want: uid,
    },
    {
      name: 'cgroup v1 under cgroupfs',
      cgroup: `12:cpu,cpuacct:/kubepods/burstable/pod${uid}/0123\n4:memory:/kubepods/burstable/pod${uid}/0123\n`,
      want: uid,
    },
    { name: 'no pod', cgroup: '0::/user.slice/user-0.slice\n', want: undefined },
    { name: 'nothing', cgroup: '', want: undefined },
  ])
    it(`reads ${name}`, () => expect(podUidOf(cgroup)).to.equal(want))
})

describe('shareOf', () => {
  for (const { name, environ, want } of [
    { name: 'a percentage', environ: 'A=1\0CUDA_MPS_ACTIVE_THREAD_PERCENTAGE=30\0B=2\0', want: 0.3 },
    {
      name: 'the last of two',
      environ: 'CUDA_MPS_ACTIVE_THREAD_PERCENTAGE=30\0CUDA_MPS_ACTIVE_THREAD_PERCENTAGE=45\0',
      want: 0.45,
    },
    { name: 'none', environ: 'A=1\0', want: undefined },
    { name: 'nonsense', environ: 'CUDA_MPS_ACTIVE_THREAD_PERCENTAGE=all\0', want: undefined },
  ])
    it(`reads ${name}`, () => expect(shareOf(environ)).to.equal(want))
})

describe('clientProcess', () => {
  let proc: string
  beforeEach(() => {
    proc = mkdtempSync(join(tmpdir(), 'ekya-proc-'))
  })
  afterEach(() => rmSync(proc, { recursive: true }))

  it('reads pod and share of a process', async () => {
    mkdirSync(join(proc, '479'))
    writeFileSync(join(proc, '479', 'cgroup'), `0::/kubepods/pod${uid}/0123\n`)
    writeFileSync(join(proc, '479', 'environ'), 'CUDA_MPS_ACTIVE_THREAD_PERCENTAGE=30\0')
    expect(await clientProcess(479, proc)).to.deep.equal({ podUid: uid, share: 0.3 })
  })

  it('knows nothing of one that has ended', async () =>
    expect(await clientProcess(480, proc)).to.deep.equal({ podUid: undefined, share: undefined }))
})
