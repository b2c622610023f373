/** A folder for the files that a command writes. It overwrites what the command has written earlier and nothing else. */
import { access, constants, lstat, mkdir, open, readdir, stat, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { UsageError } from './errors.ts'
import { readableReason } from './files.ts'

/** By file name: how the command's own file of that name begins, by which it is known again. */
export type Beginnings = Readonly<Record<string, string>>

/** Why the command must not write there; undefined: it may, as far as one can see without writing. */
export async function refusedFolder(folder: string, own: Beginnings): Promise<string | undefined> {
  const accepted = `accepted: a folder that is not there yet, an empty one, or one with nothing but what this command wrote (${Object.keys(own).join(', ')})`
  let names: string[]
  try {
    names = (await readdir(folder)).sort()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    return `${folder} cannot be used: ${reasonOf(error)}; ${accepted}`
  }
  const others: string[] = []
  for (const name of names)
    if (!Object.hasOwn(own, name) || !(await begins(join(folder, name), own[name]!))) others.push(name)
  if (others.length === 0) return undefined
  const more = others.length > 3 ? ` and ${others.length - 3} more` : ''
  return `${folder} holds files that this command did not write: ${others.slice(0, 3).join(', ')}${more}; ${accepted}`
}

/** With those above it, and tries whether files can be made in it. @throws UsageError naming the command and the folder. */
export async function makeFolder(command: string, folder: string): Promise<void> {
  const refuse = (what: string) => (error: unknown) => {
    throw new UsageError(`${command}: cannot ${what} the folder ${folder}: ${reasonOf(error)}`)
  }
  await makeWithParents(resolve(folder)).catch(refuse('make'))
  await access(folder, constants.W_OK).catch(refuse('write into'))
}

/** One by one: Node's own `recursive` never ends where a file system takes no folders, as /proc. */
async function makeWithParents(folder: string): Promise<void> {
  if (await isFolder(folder)) return
  const parent = dirname(folder)
  if (parent !== folder) await makeWithParents(parent)
  try {
    await mkdir(folder)
  } catch (error) {
    // Somebody else may have been faster.
    if (!(await isFolder(folder))) throw error
  }
}

const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    stats => stats.isDirectory(),
    () => false,
  )

function reasonOf(error: unknown): string {
  switch ((error as NodeJS.ErrnoException).code) {
    case 'EEXIST':
    case 'ENOTDIR':
      return 'it, or a part of its path, is a file'
    case 'ENOENT':
      return 'no folder can be made there'
    case 'EROFS':
      return 'the file system can be read only'
    default:
      return readableReason(error)
  }
}

async function begins(file: string, beginning: string): Promise<boolean> {
  if (!(await lstat(file)).isFile()) return false
  const handle = await open(file)
  try {
    const wanted = Buffer.from(beginning)
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(wanted.length), 0, wanted.length, 0)
    // A file that was being written when the machine failed is shorter, and was the command's own all the same.
    return wanted.subarray(0, bytesRead).equals(buffer.subarray(0, bytesRead))
  } finally {
    await handle.close()
  }
}

export async function writeFolder(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
}
