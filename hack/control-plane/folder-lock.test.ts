import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { acquireFolderLock } from './folder-lock.ts'

describe('acquireFolderLock', () => {
  let folder: string
  let path: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'ekya-test-'))
    path = join(folder, '.lock')
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  it('lets one in at a time', async () => {
    let inside = 0
    let most = 0
    await Promise.all(
      Array.from({ length: 5 }, async () => {
        const release = await acquireFolderLock(path, { pollMs: 1 })
        most = Math.max(most, ++inside)
        await new Promise(resolve => setTimeout(resolve, 2))
        inside--
        await release()
      }),
    )
    expect(most).to.equal(1)
  })

  it('says once that it waits', async () => {
    const release = await acquireFolderLock(path)
    let said = 0
    const second = acquireFolderLock(path, { pollMs: 1, onWait: () => said++ })
    await new Promise(resolve => setTimeout(resolve, 20))
    await release()
    await (await second)()
    expect(said).to.equal(1)
  })

  it('takes over the lock of a holder that no longer touches it', async () => {
    writeFileSync(path, '')
    const longAgo = new Date(Date.now() - 60_000)
    utimesSync(path, longAgo, longAgo)
    const release = await acquireFolderLock(path, { staleAfterMs: 30_000, pollMs: 1 })
    await release()
  })

  it('stops waiting when it is told to', async () => {
    writeFileSync(path, '')
    const failure = await acquireFolderLock(path, { pollMs: 1000 }, AbortSignal.timeout(10)).catch(
      (error: Error) => error,
    )
    expect(failure).to.be.instanceOf(Error)
  })
})
