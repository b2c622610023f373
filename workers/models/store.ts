/**
 * Model files below the storage root: `models/<namespace>/<stream>/<sha256>.onnx` with a `manifest.json` beside them.
 *
 * A file appears whole or not at all (written under another name, synced, renamed), and its name is its digest, so two writers of the
 * same model do no harm. The manifest is a help for people and for pruning; nothing is decided by it.
 */
import { mkdir, open, readFile, rename, unlink } from 'node:fs/promises'
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { modelFile, modelsFolder } from '../../operator/api/storage.ts'
import type { ModelReference } from '../../operator/api/worker.ts'
import { digestOf } from './classifier.ts'
import { ModelError } from './errors.ts'

export interface ManifestEntry {
  readonly digest: string
  /** RFC 3339. */
  readonly createdAt: string
  readonly [detail: string]: unknown
}

/** The manifest keeps the newest entries only. */
const manifestLimit = 200

export interface StoreModelRequest {
  readonly storage: string
  readonly namespace: string
  readonly stream: string
  readonly model: Uint8Array
  readonly createdAt: string
  /** Written into the manifest: window, configuration, accuracies … */
  readonly details?: Readonly<Record<string, unknown>>
}

/** @returns the reference to give to other pods. @throws ModelError StorageFailed */
export async function storeModel(request: StoreModelRequest): Promise<{ uri: string; digest: string }> {
  const { storage, namespace, stream, model } = request
  const digest = digestOf(model)
  const uri = modelFile(namespace, stream, digest)
  await writeAtomically(join(storage, uri), model)
  const manifest = join(storage, modelsFolder(namespace, stream), 'manifest.json')
  const entry: ManifestEntry = { ...request.details, digest, createdAt: request.createdAt }
  const entries = (await readManifest(manifest)).filter(each => each.digest !== digest)
  const kept = [...entries, entry].slice(-manifestLimit)
  await writeAtomically(manifest, new TextEncoder().encode(`${JSON.stringify({ models: kept }, null, 2)}\n`))
  return { uri, digest }
}

/** The path of a reference. @throws ModelError ModelInvalid for a relative uri that leaves the root or another scheme than file. */
export function resolveModel(storage: string, { uri }: ModelReference): string {
  if (uri.startsWith('file://')) {
    try {
      return fileURLToPath(uri)
    } catch (cause) {
      throw new ModelError('ModelInvalid', `model uri ${uri} is not a local file; accepted: file:///path`, {
        cause,
      })
    }
  }
  const root = resolve(storage)
  const path = resolve(root, uri)
  const below = relative(root, path)
  const outside = below === '' || below === '..' || below.startsWith(`..${sep}`) || isAbsolute(below)
  if (/^[a-z][a-z0-9+.-]*:/i.test(uri) || isAbsolute(uri) || outside)
    throw new ModelError(
      'ModelInvalid',
      `model uri ${uri} is refused; accepted: a path below the storage root, or file:///path`,
    )
  return path
}

/** A damaged or missing manifest counts as empty: the model files themselves are the truth. */
export async function readManifest(path: string): Promise<readonly ManifestEntry[]> {
  try {
    const parsed: unknown = JSON.parse(await readFile(path, 'utf8'))
    const models = (parsed as { models?: unknown }).models
    return Array.isArray(models) ? (models as ManifestEntry[]) : []
  } catch {
    return []
  }
}

/** Whole or not at all, also after a power cut. @throws ModelError StorageFailed */
export async function writeAtomically(path: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`
  try {
    await mkdir(dirname(path), { recursive: true })
    const file = await open(temporary, 'w')
    try {
      await file.writeFile(bytes)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (cause) {
    await unlink(temporary).catch(() => {})
    throw new ModelError('StorageFailed', `${path} cannot be written: ${(cause as Error).message}`, { cause })
  }
}
