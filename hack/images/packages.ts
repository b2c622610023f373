/**
 * Which npm packages an image needs: those that our files import, followed from the entries, and what these depend on by the lock file.
 *
 * Only text is looked at: nothing is loaded. Imports of types do not count. Lazily loaded commands are entries by themselves, so that an
 * image has the packages of its own commands only.
 */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'

/** `import x from 'a'`, `export … from 'a'`, `import 'a'`. */
const staticImports = /^(?:import|export)\s+(?!type\b)(?:[^'"`;]*?\sfrom\s+)?'([^']+)'/gm
const dynamicImports = /(?<!typeof )\bimport\('([^']+)'\)/g
/** Threads and child processes: `new URL('./thread.ts', import.meta.url)`. */
const urls = /new URL\(\s*'(\.[^']+\.m?[tj]s)',\s*import\.meta\.url/g

export interface Traced {
  /** Our files, relative to the root. */
  readonly files: readonly string[]
  /** Names of packages. */
  readonly packages: readonly string[]
}

/**
 * @param isEntryOnly files whose dynamic imports are not followed
 * @throws Error when a file that is imported does not exist
 */
export function trace(
  root: string,
  entries: readonly string[],
  isEntryOnly: (file: string) => boolean = () => false,
): Traced {
  const files = new Set<string>()
  const packages = new Set<string>()
  const pending = [...entries]
  for (let file = pending.pop(); file !== undefined; file = pending.pop()) {
    if (files.has(file)) continue
    files.add(file)
    if (!existsSync(join(root, file))) throw new Error(`${file} is imported and does not exist`)
    for (const name of importsOf(readFileSync(join(root, file), 'utf8'), !isEntryOnly(file))) {
      if (name.startsWith('.')) {
        if (/\.[mc]?[jt]s$/.test(name)) pending.push(normalize(join(dirname(file), name)))
      } else if (!name.startsWith('node:')) packages.add(packageOf(name))
    }
  }
  return { files: [...files].sort(), packages: [...packages].sort() }
}

export function importsOf(text: string, lazily = true): string[] {
  const code = text.replace(/^\s*(?:\*|\/\/).*$/gm, '')
  return [staticImports, ...(lazily ? [dynamicImports, urls] : [])].flatMap(pattern =>
    [...code.matchAll(pattern)].map(match => match[1]!),
  )
}

const packageOf = (name: string): string =>
  name
    .split('/')
    .slice(0, name.startsWith('@') ? 2 : 1)
    .join('/')

export interface LockedPackage {
  readonly version?: string
  readonly license?: string
  readonly integrity?: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly os?: string | readonly string[]
  readonly cpu?: string | readonly string[]
  readonly libc?: string | readonly string[]
}

export interface LockFile {
  readonly packages: Readonly<Record<string, LockedPackage>>
}

/**
 * Folders (`node_modules/a/node_modules/b`) of `names` and all that they need on Linux with glibc.
 *
 * @param cpu as Node names it: x64, arm64
 * @throws Error when the lock file lacks one that is not optional
 */
export function lockedFolders(lock: LockFile, names: readonly string[], cpu: string): string[] {
  const found = new Set<string>()
  const visit = (name: string, from: string, optional: boolean): void => {
    const folder = resolveFolder(lock, name, from)
    if (folder === undefined) {
      if (optional) return
      throw new Error(`package-lock.json lacks ${name}, needed by ${from || 'the project'}`)
    }
    const entry = lock.packages[folder]!
    if (found.has(folder) || !runsOn(entry, cpu)) return
    found.add(folder)
    for (const dependency of Object.keys(entry.optionalDependencies ?? {})) visit(dependency, folder, true)
    for (const dependency of Object.keys(entry.dependencies ?? {})) {
      // Declarations are for the compiler.
      if (!dependency.startsWith('@types/'))
        visit(dependency, folder, dependency in (entry.optionalDependencies ?? {}))
    }
  }
  for (const name of names) visit(name, '', false)
  return [...found].sort()
}

function resolveFolder(lock: LockFile, name: string, from: string): string | undefined {
  for (let at = from; ; at = at.slice(0, Math.max(0, at.lastIndexOf('/node_modules/')))) {
    const folder = `${at === '' ? '' : `${at}/`}node_modules/${name}`
    if (folder in lock.packages) return folder
    if (at === '') return undefined
  }
}

function runsOn({ os, cpu: cpus, libc }: LockedPackage, cpu: string): boolean {
  const allows = (list: string | readonly string[] | undefined, value: string) =>
    list === undefined || [list].flat().includes(value)
  return allows(os, 'linux') && allows(cpus, cpu) && allows(libc, 'glibc')
}
