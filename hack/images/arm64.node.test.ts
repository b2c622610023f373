/**
 * The images for arm64, run on a machine of another processor: what is in them under QEMU, with the image's files as the whole file
 * system and as the image's user. A container runtime could only run them where the kernel knows QEMU as well.
 */
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { writeSampleLists } from '../../e2e/support/sample-list.ts'
import type { EvaluateResult } from '../../operator/cli/commands/evaluate.ts'
import { run } from '../control-plane/build.ts'
import { processGuard } from '../control-plane/guard.ts'
import { canExecute, installPackages, isOnPath, mayInstall } from '../testing/debian.ts'
import { type BuiltImage, buildImages } from './builder.ts'
import { images } from './images.ts'
import { unpackImage } from './unpack.ts'

const emulator = 'qemu-aarch64-static'
const root = fileURLToPath(new URL('../../', import.meta.url))

describe('images for arm64', function () {
  this.timeout(300_000)
  let folder: string
  let built: readonly BuiltImage[]
  const progress = (line: string) => void process.stderr.write(`  ${line}\n`)
  const rootOf = (image: string) => join(folder, `root-${image}`)

  before(async function () {
    this.timeout(20 * 60_000)
    if (!isOnPath(emulator) && mayInstall()) await installPackages(['qemu-user-static'], progress)
    const why =
      process.arch === 'arm64'
        ? 'this machine runs them in the other tests'
        : process.getuid?.() !== 0
          ? 'to change the root of a process needs root'
          : isOnPath(emulator)
            ? undefined
            : `${emulator} is not here. On Debian and Ubuntu: apt-get install qemu-user-static`
    if (why !== undefined) {
      progress(`skipped: ${why}`)
      return this.skip()
    }
    folder = mkdtempSync(join(tmpdir(), 'ekya-arm64-'))
    processGuard().watchPath(folder)
    const work = join(folder, 'work')
    mkdirSync(work)
    built = await buildImages({
      root,
      work,
      output: folder,
      images: images.filter(({ name }) => name !== 'node-agent'),
      processor: 'arm64',
      prefix: 'ekya.dev',
      tag: 'test',
      localBase: true,
    })
    rmSync(work, { recursive: true })
    for (const name of ['operator', 'worker']) {
      await unpackImage(join(folder, `${name}.tar`), rootOf(name))
      rmSync(join(folder, `${name}.tar`))
      copyFileSync(program(), join(rootOf(name), emulator))
      for (const each of ['proc', 'dev', 'data']) mkdirSync(join(rootOf(name), each))
    }
  })
  after(() => {
    if (folder === undefined) return
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
    processGuard().forgetPath(folder)
  })

  const program = (): string =>
    (process.env.PATH ?? '')
      .split(delimiter)
      .map(each => join(each, emulator))
      .find(file => canExecute(file))!

  /** The image's command `ekya`, whose script the kernel could not start; its mounts go with the process. */
  const ekya = (image: string, ...args: readonly string[]): Promise<string> => {
    const script = readFileSync(join(rootOf(image), 'usr/local/bin/ekya'), 'utf8')
    const [, command = ''] = /exec node (.*) "\$@"/.exec(script) ?? []
    const inside = ['chroot', '--userspec=65532:65532', rootOf(image), `/${emulator}`, '/usr/local/bin/node']
    const mounts = 'mount -t proc proc "$0/proc" && mount --bind /dev "$0/dev" && exec "$@"'
    return run(
      'unshare',
      [
        ...['--mount', 'sh', '-c', mounts, rootOf(image), ...inside],
        ...command.split(' ').filter(Boolean),
        ...args,
      ],
      { env: { NODE_ENV: 'production', PATH: '/usr/sbin:/usr/bin:/sbin:/bin' } },
    )
  }

  it('are as small as they are to be', () => {
    for (const { name, megabytes } of built) {
      const { mostMegabytes } = images.find(image => name.includes(`ekya-${image.name}:`))!
      progress(`${name}: ${megabytes.toFixed(0)} MB`)
      expect(megabytes, name).to.be.within(50, mostMegabytes)
    }
  })

  it('have an operator that tells its version and its options', async () => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
    expect(await ekya('operator', 'version')).to.include(version)
    expect(await ekya('operator', 'operator', '--help')).to.include('--worker-image')
  })

  it('have a worker whose model sees on images what it sees on this processor', async () => {
    const data = join(rootOf('worker'), 'data')
    await writeSampleLists(data, { seed: 3, windows: 1, seconds: 60, frames: 60 })
    cpSync(join(root, 'hack/models/scene-golden.onnx'), join(data, 'model.onnx'))
    const evaluate = (at: string) => [
      ...['evaluate', '--model', join(at, 'model.onnx'), '--list', join(at, '0.csv')],
      ...['--images', at, '--json'],
    ]
    const seen = JSON.parse(await ekya('worker', ...evaluate('/data'))) as EvaluateResult
    const here = JSON.parse(
      await run(process.execPath, [join(root, 'operator/cli/ekya.ts'), ...evaluate(data)]),
    ) as EvaluateResult
    expect(seen).to.deep.equal(here)
    expect(seen.accuracy).to.be.above(0.5)
  })
})
