/**
 * Builds the images: node hack/images/build.ts [IMAGE…] --output FOLDER | --push PREFIX
 *
 * With buildah (root) or docker. `--local-base` makes the base images out of this machine's files, where none can be pulled; for another
 * processor out of Debian's and npm's packages.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Argument, Command, Option } from 'commander'
import { processGuard } from '../control-plane/guard.ts'
import { buildImages } from './builder.ts'
import type { Processor } from './context.ts'
import { archivePrefix, images } from './images.ts'

interface Options {
  readonly output?: string
  readonly push?: string
  readonly tag?: string
  readonly arch: Processor
  readonly localBase?: boolean
  readonly nodeImage?: string
  readonly baseImage?: string
  readonly cuda?: boolean
}

const root = fileURLToPath(new URL('../../', import.meta.url))
const names = images.map(({ name }) => name)

const program = new Command('images')
  .description('Builds the container images of the operator and of its workers.')
  .addArgument(new Argument('[image...]', 'which').choices(names).default(names))
  .option(
    '--output <folder>',
    `write NAME.tar there, an archive of ${archivePrefix}/ekya-NAME that \`ctr images import\` and \`docker load\` take`,
  )
  .option('--push <prefix>', 'push to PREFIX/ekya-NAME')
  .option('--tag <tag>', 'tag of the images (default: the version in package.json)')
  .addOption(
    new Option('--arch <processor>', 'for which processor')
      .choices(['amd64', 'arm64'])
      .default(process.arch === 'arm64' ? 'arm64' : 'amd64'),
  )
  .option(
    '--local-base',
    "base images out of this machine's Node and libraries, or of packages for another processor; with --cuda NVIDIA's Python packages too (1.1 GB)",
  )
  .option('--node-image <image>', 'where /usr/local/bin/node is taken from')
  .option('--base-image <image>', 'what the images stand on; with --cuda one with CUDA 13 and cuDNN 9')
  .option('--cuda', "workers with ONNX Runtime's CUDA provider (amd64; fetched from its Python package)")
  .action(async (chosen: readonly string[], options: Options) => {
    if (options.output === undefined && options.push === undefined)
      throw new Error('Nowhere to put the images; accepted are --output FOLDER and --push PREFIX')
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
    const work = mkdtempSync(join(tmpdir(), 'ekya-images-'))
    processGuard().watchPath(work)
    try {
      const output = options.output === undefined ? undefined : resolve(options.output)
      if (output !== undefined) mkdirSync(output, { recursive: true })
      const built = await buildImages({
        ...options,
        root,
        work,
        images: images.filter(({ name }) => chosen.includes(name)),
        processor: options.arch,
        prefix: options.push ?? archivePrefix,
        tag: options.tag ?? version,
        output,
        push: options.push !== undefined,
        onProgress: line => void process.stderr.write(`${line}\n`),
      })
      for (const { name, megabytes, archive } of built)
        process.stdout.write(`${name}  ${megabytes.toFixed(0)} MB  ${archive ?? 'pushed'}\n`)
    } finally {
      rmSync(work, { recursive: true, force: true, maxRetries: 5 })
      processGuard().forgetPath(work)
    }
  })

program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`${(error as Error).message}\n`)
  process.exitCode = 1
})
