/** Builds images from their contexts with buildah, or docker where there is no buildah. */
import { globSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '../control-plane/build.ts'
import { largePages } from '../gpu/cuda-provider.ts'
import { writeBaseContexts } from './base.ts'
import { type Processor, revision, writeContext } from './context.ts'
import { cudaLibraries } from './cuda-base.ts'
import { writeForeignBaseContexts } from './foreign-base.ts'
import type { ImageDefinition } from './images.ts'

export interface BuildOptions {
  readonly root: string
  /** An empty folder; buildah's storage and the contexts live there. */
  readonly work: string
  readonly images: readonly ImageDefinition[]
  readonly processor: Processor
  /** Images are called PREFIX/ekya-NAME:TAG. */
  readonly prefix: string
  readonly tag: string
  /** Existing folder for archives. */
  readonly output?: string | undefined
  readonly push?: boolean
  readonly localBase?: boolean | undefined
  readonly nodeImage?: string | undefined
  readonly baseImage?: string | undefined
  /** Workers for NVIDIA GPUs; wants a base image with CUDA 13 and cuDNN 9, or a local base, which gets them. */
  readonly cuda?: boolean | undefined
  readonly onProgress?: (line: string) => void
}

export interface BuiltImage {
  /** With prefix and tag. */
  readonly name: string
  /** Uncompressed, 10⁶ bytes. */
  readonly megabytes: number
  readonly archive?: string
}

/** @throws Error when neither builder is there, or it fails */
export async function buildImages(options: BuildOptions): Promise<BuiltImage[]> {
  const { root, work, processor, onProgress = () => {} } = options
  if (options.cuda && processor !== 'amd64')
    throw new Error(`There is no CUDA provider for ${processor}; accepted with --cuda: amd64`)
  if (options.cuda && options.baseImage === undefined && !options.localBase)
    throw new Error(
      'The default base has no CUDA; accepted with --cuda: --base-image IMAGE with CUDA 13 and cuDNN 9, or --local-base',
    )
  const builder = await findBuilder(work)
  let { nodeImage, baseImage } = options
  if (options.localBase) {
    if (processor === (process.arch === 'arm64' ? 'arm64' : 'amd64')) {
      const packages = '{onnxruntime-node/bin/napi-v6/linux,@img}'
      const native = globSync(`node_modules/${packages}/**/*.{node,so*}`, { cwd: root })
        .filter(file => !file.includes('onnxruntime-node') || file.includes(`/linux/${process.arch}/`))
        .map(file => join(root, file))
      await writeBaseContexts(work, native, options.cuda ? await cudaLibraries(onProgress) : undefined)
    } else await writeForeignBaseContexts(work, root, processor)
    nodeImage = 'ekya.dev/local-node:1'
    baseImage = 'ekya.dev/local-base:1'
    await builder.build(join(work, 'node'), join(work, 'node/Containerfile'), nodeImage, processor, {})
    await builder.build(join(work, 'base'), join(work, 'base/Containerfile'), baseImage, processor, {})
  }
  const built: BuiltImage[] = []
  for (const image of options.images) {
    const name = `${options.prefix}/ekya-${image.name}:${options.tag}`
    onProgress(`building ${name} for ${processor}`)
    const context = join(work, `context-${image.name}`)
    await writeContext(image, { root, context, processor, work, cuda: options.cuda, onProgress })
    await builder.build(context, join(root, image.containerfile), name, processor, {
      ...(nodeImage === undefined ? {} : { NODE_IMAGE: nodeImage }),
      ...(baseImage === undefined ? {} : { BASE_IMAGE: baseImage }),
      ...(options.cuda && image.containerfile.startsWith('workers/') ? largePages : {}),
      IMAGE: `ekya-${image.name}`,
      VERSION: options.tag,
      REVISION: revision(root),
    })
    const archive = options.output === undefined ? undefined : join(options.output, `${image.name}.tar`)
    if (archive !== undefined) await builder.save(name, archive)
    if (options.push) await builder.push(name)
    built.push({
      name,
      megabytes: (await builder.size(name)) / 1e6,
      ...(archive === undefined ? {} : { archive }),
    })
  }
  return built
}

interface Builder {
  build(
    context: string,
    containerfile: string,
    name: string,
    processor: Processor,
    args: Readonly<Record<string, string>>,
  ): Promise<void>
  save(name: string, archive: string): Promise<void>
  push(name: string): Promise<void>
  /** Bytes. */
  size(name: string): Promise<number>
}

async function findBuilder(work: string): Promise<Builder> {
  const works = (program: string, ...args: string[]): Promise<boolean> =>
    run(program, args).then(
      () => true,
      () => false,
    )
  if (process.getuid?.() === 0 && (await works('buildah', '--version'))) return buildah(work)
  if (await works('docker', 'info')) return docker
  throw new Error(
    'Neither buildah (as root) nor docker can be used. On Debian and Ubuntu: apt-get install buildah',
  )
}

const argumentsOf = (args: Readonly<Record<string, string>>): string[] =>
  Object.entries(args).flatMap(([name, value]) => ['--build-arg', `${name}=${value}`])

function buildah(work: string): Builder {
  // A storage of its own, so that nothing is left behind; vfs works everywhere, in containers too.
  const storage = ['--root', join(work, 'storage'), '--runroot', join(work, 'run'), '--storage-driver', 'vfs']
  const call = (...args: string[]) => run('buildah', [...storage, ...args])
  return {
    async build(context, containerfile, name, processor, args) {
      const platform = ['--platform', `linux/${processor}`, '--isolation', 'chroot', '--format', 'oci']
      await call('bud', ...platform, ...argumentsOf(args), '-f', containerfile, '-t', name, context)
    },
    async save(name, archive) {
      await call('push', name, `docker-archive:${archive}:${name}`)
    },
    async push(name) {
      await call('push', name)
    },
    async size(name) {
      const listed = JSON.parse(await call('images', '--json')) as { names: string[] | null; size: string }[]
      return bytesOf(listed.find(({ names }) => names?.includes(name))?.size ?? '')
    },
  }
}

/** `123 MB` → 123 000 000. */
function bytesOf(text: string): number {
  const [amount = '', unit = ''] = text.split(' ')
  const power = ['B', 'KB', 'MB', 'GB'].indexOf(unit)
  if (power < 0)
    throw new Error(`buildah tells the size as "${text}"; expected is a number and B, KB, MB or GB`)
  return Number(amount) * 1000 ** power
}

const docker: Builder = {
  async build(context, containerfile, name, processor, args) {
    const platform = ['--platform', `linux/${processor}`]
    await run('docker', [
      'build',
      ...platform,
      ...argumentsOf(args),
      '-f',
      containerfile,
      '-t',
      name,
      context,
    ])
  },
  async save(name, archive) {
    await run('docker', ['save', '-o', archive, name])
  },
  async push(name) {
    await run('docker', ['push', name])
  },
  size: async name => Number(await run('docker', ['image', 'inspect', '--format', '{{.Size}}', name])),
}
