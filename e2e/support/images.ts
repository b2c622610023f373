/** The project's images on a suite's real node. */
import { chownSync, copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { before } from 'mocha'
import { processGuard } from '../../hack/control-plane/guard.ts'
import { type BuiltImage, buildImages } from '../../hack/images/builder.ts'
import { images as allImages, type ImageDefinition } from '../../hack/images/images.ts'
import type { RealNodeFixture } from '../../hack/node/testing/node-fixture.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
/** Of the images. */
const user = 65532

export interface ImagesFixture {
  built(): readonly BuiltImage[]
  /** The reference by which a pod asks for it. */
  reference(name: ImageDefinition['name']): string
}

/** Builds of this process: suites of one run share the images. */
const builds = new Map<ImageDefinition['name'], BuiltImage>()
let archives: string | undefined

/** To be called in the body of a `describe`, after useRealNode. */
export function useImages(
  { node }: RealNodeFixture,
  names: readonly ImageDefinition['name'][] = allImages.map(({ name }) => name),
): ImagesFixture {
  let built: readonly BuiltImage[] = []
  before(async function () {
    this.timeout(600_000)
    await build(names.filter(name => !builds.has(name)))
    built = names.map(name => builds.get(name)!)
    for (const { archive } of built) await node().importImage(archive!)
  })
  return {
    built: () => built,
    reference: name => built.find(image => image.name.includes(`ekya-${name}:`))!.name,
  }
}

async function build(names: readonly ImageDefinition['name'][]): Promise<void> {
  if (names.length === 0) return
  // The guard removes them with this process.
  if (archives === undefined) {
    archives = mkdtempSync(join(tmpdir(), 'ekya-archives-'))
    processGuard().watchPath(archives)
  }
  const work = mkdtempSync(join(tmpdir(), 'ekya-images-'))
  processGuard().watchPath(work)
  try {
    const wanted = allImages.filter(({ name }) => names.includes(name))
    const built = await buildImages({
      root,
      work,
      output: archives,
      images: wanted,
      processor: process.arch === 'arm64' ? 'arm64' : 'amd64',
      prefix: 'ekya.dev',
      tag: 'test',
      localBase: true,
    })
    for (const [i, { name }] of wanted.entries()) builds.set(name, built[i]!)
  } finally {
    rmSync(work, { recursive: true, force: true, maxRetries: 5 })
    processGuard().forgetPath(work)
  }
}

/** Root of a storage that this user (default: the images') may write to; holds `initial/student.onnx`, the built-in student. */
export function makeStorage(storage: string, owner: number = user): void {
  const student = join(storage, 'initial/student.onnx')
  mkdirSync(join(storage, 'initial'), { recursive: true })
  copyFileSync(join(root, 'hack/models/scene-student.onnx'), student)
  if (process.getuid?.() !== 0) return
  for (const path of [storage, join(storage, 'initial'), student]) chownSync(path, owner, owner)
}
