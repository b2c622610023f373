/**
 * Makes an image out of a few files of this machine, without a builder: one layer, in the archive format that `docker save` writes and
 * containerd imports.
 */
import { createHash } from 'node:crypto'
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { arch } from 'node:os'
import { dirname, join } from 'node:path'
import { run } from '../control-plane/build.ts'

export interface ScratchImage {
  /** With a tag, e.g. `ekya.dev/pause:1`. */
  readonly name: string
  /** Path in the image → file of this machine; followed if it is a link. */
  readonly files: Readonly<Record<string, string>>
  /** Path in the image → what it points to. */
  readonly links?: Readonly<Record<string, string>>
  readonly command: readonly string[]
}

export async function writeScratchImage(
  archive: string,
  { name, files, links = {}, command }: ScratchImage,
): Promise<void> {
  const work = mkdtempSync(`${archive}-`)
  try {
    const root = join(work, 'root')
    mkdirSync(join(root, 'tmp'), { recursive: true })
    for (const [path, source] of Object.entries(files)) {
      mkdirSync(dirname(join(root, path)), { recursive: true })
      copyFileSync(source, join(root, path))
    }
    for (const [path, target] of Object.entries(links)) {
      mkdirSync(dirname(join(root, path)), { recursive: true })
      symlinkSync(target, join(root, path))
    }
    const tar = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner']
    await run('tar', [...tar, '-C', root, '-cf', join(work, 'layer.tar'), '.'])
    const digest = createHash('sha256')
      .update(readFileSync(join(work, 'layer.tar')))
      .digest('hex')
    const config = {
      architecture: arch() === 'x64' ? 'amd64' : arch(),
      os: 'linux',
      config: { Cmd: command, Env: ['PATH=/bin'] },
      rootfs: { type: 'layers', diff_ids: [`sha256:${digest}`] },
    }
    writeFileSync(join(work, 'config.json'), JSON.stringify(config))
    const manifest = [{ Config: 'config.json', RepoTags: [name], Layers: ['layer.tar'] }]
    writeFileSync(join(work, 'manifest.json'), JSON.stringify(manifest))
    await run('tar', ['-C', work, '-cf', archive, 'manifest.json', 'config.json', 'layer.tar'])
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

const busybox = '/bin/busybox'

/** Sleeps for ever: what holds a pod's namespaces. */
export const pause = (name: string): ScratchImage => ({
  name,
  files: { '/bin/busybox': busybox },
  command: ['/bin/busybox', 'sleep', '2147483647'],
})

/** A static shell and the usual small tools. */
export const shell = (name: string): ScratchImage => ({
  name,
  files: { '/bin/busybox': busybox },
  links: Object.fromEntries(
    ['sh', 'sleep', 'cat', 'echo', 'ls', 'id', 'env', 'wget', 'nc', 'httpd', 'true', 'test', 'kill'].map(
      applet => [`/bin/${applet}`, 'busybox'],
    ),
  ),
  command: ['/bin/sh'],
})
