import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { addMissingPrograms } from './built-programs.ts'

describe('programs that are built at first use', () => {
  let directory: string
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'ekya-programs-'))
  })
  afterEach(() => rm(directory, { recursive: true }))

  /** @returns what was built. */
  async function add(names: readonly string[], fails?: string): Promise<readonly string[]> {
    const built: string[] = []
    await addMissingPrograms({
      directory,
      names,
      onWait: () => {},
      onMissing: () => {},
      async build(name, path) {
        await writeFile(path, `half of ${name}`)
        if (name === fails) throw new Error(`no ${name}`)
        await writeFile(path, name)
        built.push(name)
      },
    })
    return built
  }
  const programs = async () => (await readdir(directory)).filter(name => name !== '.lock').sort()

  it('are those that are missing', async () => {
    expect(await add(['a', 'b'])).to.deep.equal(['a', 'b'])
    expect(await add(['b', 'c'])).to.deep.equal(['c'])
    expect(await programs()).to.deep.equal(['a', 'b', 'c'])
    expect(await readFile(join(directory, 'b'), 'utf8')).to.equal('b')
  })

  it('are whole, whatever fails, and the next build goes on', async () => {
    const failure = await add(['a', 'b', 'c'], 'b').catch((error: Error) => error.message)
    expect(failure).to.equal('no b')
    expect(await programs()).to.deep.equal(['a'])
    expect(await add(['a', 'b', 'c'])).to.deep.equal(['b', 'c'])
  })

  it('are rid of what a killed build has left', async () => {
    await writeFile(join(directory, 'a.partial'), 'half')
    await add([])
    expect(await programs()).to.deep.equal([])
  })

  it('are built once by two at a time', async () => {
    const built = await Promise.all([add(['a']), add(['a'])])
    expect(built.flat()).to.deep.equal(['a'])
  })
})
