import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { expect } from 'chai'
import { fetchWheel } from './wheels.ts'

describe('a wheel', () => {
  let folder: string
  let path: string | undefined
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'ekya-wheels-'))
    path = process.env.PATH
  })
  afterEach(() => {
    process.env.PATH = path
    rmSync(folder, { recursive: true })
  })

  /** A python3 that notes what it is asked for. */
  const pip = (does: string): void => {
    mkdirSync(join(folder, 'bin'))
    const program = join(folder, 'bin/python3')
    writeFileSync(program, `#!/bin/sh\necho "$@" > ${folder}/asked\n${does}\n`)
    chmodSync(program, 0o755)
    process.env.PATH = `${join(folder, 'bin')}${delimiter}${path}`
  }

  it('comes alone, for amd64 and as it is asked for', async () => {
    pip(`touch ${folder}/a-1.2-py3.whl`)
    const wheel = await fetchWheel({ name: 'a', version: '1.2', options: ['--implementation', 'cp'] }, folder)
    expect(wheel).to.equal(join(folder, 'a-1.2-py3.whl'))
    expect(readFileSync(join(folder, 'asked'), 'utf8')).to.match(
      /^-m pip download .*--no-deps .*--implementation cp .*--platform manylinux2014_x86_64 a==1\.2$/m,
    )
  })

  it('is missed where pip has fetched something else', async () => {
    pip(`touch ${folder}/a-1.2.tar.gz`)
    const error = await fetchWheel({ name: 'a', version: '1.2' }, folder).catch((thrown: Error) => thrown)
    expect(error).to.have.property('message', 'pip has fetched no wheel of a 1.2')
  })
})
