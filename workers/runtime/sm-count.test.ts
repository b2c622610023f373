import { execFileSync, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { temporaryFolder } from './testing/temporary-folder.ts'

const program = fileURLToPath(new URL('./sm-count.ts', import.meta.url))
const run = (env: NodeJS.ProcessEnv) =>
  spawnSync(process.execPath, [program], { env: { ...process.env, ...env }, encoding: 'utf8' })

/** As libcuda answers, with what a variable says. */
const source = `
#include <stdlib.h>
int cuInit(unsigned int flags) { return atoi(getenv("STAND_IN_INIT")); }
int cuDeviceGet(int *device, int ordinal) { *device = ordinal + 7; return 0; }
int cuDeviceGetAttribute(int *value, int attribute, int device) {
  *value = attribute == 16 && device == 7 ? 132 * atoi(getenv("CUDA_MPS_ACTIVE_THREAD_PERCENTAGE")) / 100 : -1;
  return 0;
}
`

describe('ekya-sm-count, with a stand-in of libcuda', () => {
  const folder = temporaryFolder()
  let library: string

  before(function () {
    if (spawnSync('cc', ['--version']).status !== 0) {
      this.skip() // There is no C compiler to make the stand-in with.
    }
  })
  beforeEach(() => {
    library = join(folder.path, 'libcuda.so')
    writeFileSync(`${library}.c`, source)
    execFileSync('cc', ['-shared', '-fPIC', '-o', library, `${library}.c`])
  })

  it('prints what the share is worth', () =>
    expect(
      run({ EKYA_LIBCUDA: library, STAND_IN_INIT: '0', CUDA_MPS_ACTIVE_THREAD_PERCENTAGE: '25' }),
    ).to.include({ status: 0, stdout: '33\n', stderr: '' }))

  it('says which call failed', () =>
    // 807: the MPS server is not ready.
    expect(run({ EKYA_LIBCUDA: library, STAND_IN_INIT: '807' })).to.include({
      status: 1,
      stdout: '',
      stderr: `ekya-sm-count: cuInit of ${library} failed with error 807\n`,
    }))
})

describe('ekya-sm-count', () => {
  it('says where there is no CUDA', () => {
    const { status, stderr } = run({ EKYA_LIBCUDA: '/nowhere/libcuda.so.1' })
    expect(status).to.equal(1)
    expect(stderr).to.match(/^ekya-sm-count: .*\/nowhere\/libcuda\.so\.1/)
  })
})
