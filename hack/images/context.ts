/**
 * The folder from which an image is built: our files without tests, the packages that its commands import, the command `ekya` and the
 * list of packages (CycloneDX).
 */
import { execFileSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { basename, join } from 'node:path'
import { run } from '../control-plane/build.ts'
import { installProvider, librariesFolder, removeProvider } from '../gpu/cuda-provider.ts'
import { entriesOf, type ImageDefinition, isCommandLine } from './images.ts'
import { type LockFile, lockedFolders, trace } from './packages.ts'
import { softwareBill } from './software-bill.ts'

export type Processor = 'amd64' | 'arm64'
const nodeName: Record<Processor, string> = { amd64: 'x64', arm64: 'arm64' }

export interface ContextOptions {
  /** The checkout. */
  readonly root: string
  /** Must not exist. */
  readonly context: string
  readonly processor: Processor
  /** Where packages for another processor than this machine's are installed. */
  readonly work: string
  /** Workers get ONNX Runtime's CUDA provider; without it they have none, whatever this checkout has. */
  readonly cuda?: boolean | undefined
  readonly onProgress?: (line: string) => void
}

export async function writeContext(image: ImageDefinition, options: ContextOptions): Promise<void> {
  const { root, context, processor } = options
  const app = join(context, 'app')
  mkdirSync(join(context, 'bin'), { recursive: true })
  for (const folder of image.folders) {
    cpSync(join(root, folder), join(app, folder), { recursive: true, filter: isShipped })
    for (const file of globSync('**/*.ts', { cwd: join(app, folder) })) takeTypesOut(join(app, folder, file))
  }
  cpSync(join(root, 'hack/images/plain-modules.mjs'), join(app, 'plain-modules.mjs'))
  cpSync(join(root, 'package.json'), join(app, 'package.json'))
  for (const [name, file] of Object.entries({ ekya: 'operator/cli/ekya.ts', ...image.programs }))
    writeFileSync(
      join(context, 'bin', name),
      `#!/bin/sh\nexec node --import /app/plain-modules.mjs ${(image.nodeOptions ?? []).join(' ')} /app/${file} "$@"\n`,
      { mode: 0o755 },
    )

  const cpu = nodeName[processor]
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as LockFile
  const folders = lockedFolders(lock, trace(root, entriesOf(image), isCommandLine).packages, cpu)
  const source = cpu === process.arch ? root : await install(options, cpu)
  for (const folder of folders) copyPackage(join(source, folder), join(app, folder))
  const runtime = join(app, 'node_modules/onnxruntime-node')
  if (existsSync(runtime)) {
    leaveOtherSystems(join(runtime, 'bin'), cpu)
    const libraries = librariesFolder(runtime)
    if (options.cuda) await installProvider(libraries, options.onProgress)
    else removeProvider(libraries)
  }
  writeFileSync(
    join(context, 'sbom.cdx.json'),
    JSON.stringify(softwareBill(lock, folders, image.name), null, 1),
  )
}

const isShipped = (path: string): boolean =>
  !/\.test\.ts$|\/(?:testing|testdata)$|\/Containerfile$|\.md$/.test(path)

/** In place, with lines and columns as they were. */
function takeTypesOut(file: string): void {
  writeFileSync(file, stripTypeScriptTypes(readFileSync(file, 'utf8'), { mode: 'strip' }))
}

/** Packages nested inside come by themselves when they are needed; maps and declarations are for tools. */
function copyPackage(from: string, to: string): void {
  if (!existsSync(from)) throw new Error(`${from} is not installed; run: npm ci`)
  const filter = (path: string): boolean =>
    !path.slice(from.length).includes('/node_modules') && !/\.(?:map|d\.[mc]?ts|md)$/.test(path)
  cpSync(from, to, { recursive: true, filter })
}

/** onnxruntime-node has the libraries of all systems in one package. */
function leaveOtherSystems(bin: string, cpu: string): void {
  for (const version of readdirSync(bin)) {
    for (const system of readdirSync(join(bin, version))) {
      if (system !== 'linux') rmSync(join(bin, version, system), { recursive: true })
      else
        for (const other of readdirSync(join(bin, version, system)))
          if (other !== cpu) rmSync(join(bin, version, system, other), { recursive: true })
    }
  }
}

async function install({ root, work }: ContextOptions, cpu: string): Promise<string> {
  const folder = join(work, `packages-${cpu}`)
  if (existsSync(folder)) return folder
  mkdirSync(folder, { recursive: true })
  for (const file of ['package.json', 'package-lock.json', '.npmrc'])
    cpSync(join(root, file), join(folder, basename(file)))
  const target = ['--os=linux', `--cpu=${cpu}`, '--libc=glibc']
  await run('npm', ['ci', '--omit=dev', '--no-audit', '--no-fund', ...target], { cwd: folder })
  return folder
}

export const revision = (root: string): string =>
  execFileSync('git', ['-C', root, 'rev-parse', 'HEAD'], { encoding: 'utf8' }).trim()
