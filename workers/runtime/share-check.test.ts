import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { checkShare } from './share-check.ts'
import { temporaryFolder } from './testing/temporary-folder.ts'

describe('checkShare', () => {
  const folder = temporaryFolder()

  async function outcome(script: string | undefined, expected: string | undefined): Promise<string> {
    const program = join(folder.path, 'count')
    if (script !== undefined && script !== 'unset') {
      await writeFile(program, `#!/bin/sh\n${script}\n`)
      await chmod(program, 0o755)
    }
    const environment = {
      PATH: process.env.PATH,
      CUDA_MPS_ACTIVE_THREAD_PERCENTAGE: '30',
      ...(script === 'unset'
        ? {}
        : { EKYA_SM_COUNT_PROGRAM: script === undefined ? join(folder.path, 'none') : program }),
      ...(expected === undefined ? {} : { EKYA_EXPECT_SMS: expected }),
    }
    return checkShare(environment).then(
      () => 'as expected',
      ({ code, message }) => `${code}: ${message}`,
    )
  }

  for (const { name, script, expected, want } of [
    { name: 'the right number', script: 'echo 32', expected: '32', want: /^as expected$/ },
    { name: 'a number in the range', script: 'echo 8', expected: '6-8', want: /^as expected$/ },
    { name: 'a number above the range', script: 'echo 10', expected: '6-8', want: /^ShareMismatch/ },
    { name: 'no number', script: 'echo', expected: '32', want: /^ShareMismatch: .* finds ""/ },
    { name: 'an image without such a program', script: 'unset', expected: '32', want: /^as expected$/ },
    { name: 'nothing expected', script: undefined, expected: undefined, want: /^as expected$/ },
    {
      name: "the process's own environment",
      script: 'echo $((CUDA_MPS_ACTIVE_THREAD_PERCENTAGE + 2))',
      expected: '32',
      want: /^as expected$/,
    },
    {
      name: 'the whole GPU',
      script: 'echo 108',
      expected: '32',
      want: /^ShareMismatch: .* finds "108" .* worth 32$/,
    },
    { name: 'no program', script: undefined, expected: '32', want: /^ShareMismatch: .*none.*ENOENT/ },
    { name: 'a failing program', script: 'exit 3', expected: '32', want: /^ShareMismatch: .*Command failed/ },
  ])
    it(`takes ${name} for ${want.source.startsWith('^as') ? 'right' : 'wrong'}`, async () =>
      expect(await outcome(script, expected)).to.match(want))
})
