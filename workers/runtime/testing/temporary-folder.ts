import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A folder that goes when the surrounding suite ends. Call it inside `describe`. */
export function temporaryFolder(): { readonly path: string } {
  const folder = { path: '' }
  before(async () => {
    folder.path = await mkdtemp(join(tmpdir(), 'ekya-worker-'))
  })
  after(() => rm(folder.path, { recursive: true, force: true }))
  return folder
}
