/**
 * `ekya validate FILE…`: all problems of all manifests at once, each with file, line and path.
 *
 * Documents of other API groups are skipped with a note; a camera that the API server takes and no worker can read is valid with one. Status 1
 * when there is a problem, 2 when a file cannot be read.
 */
import { readFile } from 'node:fs/promises'
import type { CameraStream } from '../../api/generated/types.ts'
import { sourceProblem } from '../../api/sources.ts'
import { describeManifest, isOurs, type SchemaProblem, validateManifest } from '../../api/validate.ts'
import { printable } from '../../text/printable.ts'
import { type ManifestDocument, readDocuments } from '../documents.ts'
import { UsageError } from '../errors.ts'
import { readableReason } from '../files.ts'
import type { Io } from '../program.ts'

export interface DocumentReport {
  readonly file: string
  /** From 1, in the file. */
  readonly document: number
  readonly line: number
  /** `CameraStream default/cam-1`. */
  readonly object: string
  readonly result: 'valid' | 'invalid' | 'skipped'
  readonly problems: readonly ProblemReport[]
  /** Why a valid stream is not served all the same. */
  readonly note?: string
}

export interface ProblemReport extends SchemaProblem {
  readonly line: number
}

export async function validate(
  files: readonly string[],
  { json }: { readonly json: boolean },
  io: Io,
): Promise<number> {
  const contents = await readAll(files, io)
  const reports = contents.flatMap(({ file, text }) => check(file, text))
  io.stdout.write(json ? asJson(reports) : asText(reports))
  return reports.some(({ result }) => result === 'invalid') ? 1 : 0
}

interface Content {
  readonly file: string
  readonly text: string
}

async function readAll(files: readonly string[], io: Io): Promise<readonly Content[]> {
  if (files.filter(file => file === '-').length > 1)
    throw new UsageError('validate: - (stdin) can be read once only')
  const results = await Promise.allSettled(
    files.map(async file => ({
      file: file === '-' ? 'stdin' : file,
      text: file === '-' ? await readStream(io.stdin) : await readFile(file, 'utf8'),
    })),
  )
  const failures = results.flatMap((result, i) =>
    result.status === 'rejected' ? [`${files[i]}: ${readableReason(result.reason)}`] : [],
  )
  if (failures.length > 0) throw new UsageError(`validate: cannot read ${failures.join('; ')}`)
  return results.map(result => (result as PromiseFulfilledResult<Content>).value)
}

async function readStream(stream: Io['stdin']): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks).toString('utf8')
}

function check(file: string, text: string): readonly DocumentReport[] {
  const { documents, syntax } = readDocuments(text)
  const broken = syntax.map(
    ({ line, message }): DocumentReport => ({
      file,
      document: 0,
      line,
      object: 'document',
      result: 'invalid',
      problems: [{ path: '', line, message: `cannot be read as YAML: ${message}` }],
    }),
  )
  if (syntax.length + documents.length === 0) return [withoutDocument(file)]
  return [...broken, ...documents.flatMap(document => checkDocument(file, document))].sort(
    (a, b) => a.line - b.line,
  )
}

/** kubectl refuses such a file too; a template that came out empty must not pass as valid. */
const withoutDocument = (file: string): DocumentReport => ({
  file,
  document: 0,
  line: 1,
  object: 'document',
  result: 'invalid',
  problems: [{ path: '', line: 1, message: 'the file holds no document; accepted: one manifest or more' }],
})

function checkDocument(file: string, document: ManifestDocument): readonly DocumentReport[] {
  return unpack(document.value).map(({ value, prefix }) => {
    const skipped = !isOurs(value) && isOther(value)
    const problems = skipped ? [] : validateManifest(value)
    const note = skipped || problems.length > 0 ? undefined : notServed(value)
    return {
      file,
      document: document.index,
      line: prefix === '' ? document.line : document.lineOf(prefix),
      object: describeManifest(value),
      result: skipped ? 'skipped' : problems.length > 0 ? 'invalid' : 'valid',
      problems: problems.map(({ path, message }) => {
        const full = prefix === '' || path === '' ? prefix + path : `${prefix}.${path}`
        return { path: full, line: document.lineOf(full), message }
      }),
      ...(note === undefined ? {} : { note }),
    }
  })
}

/** @param manifest that is valid. */
function notServed(manifest: unknown): string | undefined {
  const { kind, spec } = manifest as Pick<CameraStream, 'spec'> & { readonly kind: string }
  return kind === 'CameraStream' ? sourceProblem(spec.source) : undefined
}

/** The items of a List, as `kubectl get -o yaml` writes it. */
function unpack(value: unknown): readonly { readonly value: unknown; readonly prefix: string }[] {
  const { apiVersion, kind, items } = (value ?? {}) as Readonly<Record<string, unknown>>
  if (apiVersion !== 'v1' || kind !== 'List' || !Array.isArray(items)) return [{ value, prefix: '' }]
  return items.map((item: unknown, i) => ({ value: item, prefix: `items[${i}]` }))
}

/** Somebody else's object; a document without apiVersion and kind is nobody's and gets reported. */
function isOther(value: unknown): boolean {
  const { apiVersion, kind } = (value ?? {}) as Readonly<Record<string, unknown>>
  return typeof apiVersion === 'string' && typeof kind === 'string'
}

function asJson(reports: readonly DocumentReport[]): string {
  const problems = reports.reduce((sum, report) => sum + report.problems.length, 0)
  return `${JSON.stringify({ valid: problems === 0, problems, documents: reports }, null, 2)}\n`
}

function asText(reports: readonly DocumentReport[]): string {
  const lines = reports.flatMap(({ file, line, object, result, problems, note }) => {
    if (result === 'skipped') return [`${file}:${line}: ${object}: skipped, not of the group ekya.dev`]
    if (result === 'valid')
      return [`${file}:${line}: ${object}: valid${note === undefined ? '' : `, and not served: ${note}`}`]
    return problems.map(problem => {
      const path = problem.path === '' ? '' : `${problem.path}: `
      return `${file}:${problem.line}: ${object}: ${path}${problem.message}`
    })
  })
  return `${[...lines.map(printable), summary(reports)].join('\n')}\n`
}

function summary(reports: readonly DocumentReport[]): string {
  const problems = reports.reduce((sum, report) => sum + report.problems.length, 0)
  const count = (result: DocumentReport['result']) =>
    reports.filter(report => report.result === result).length
  const skipped = count('skipped') > 0 ? `, ${count('skipped')} skipped` : ''
  const found = problems === 0 ? '' : `, ${problems} problem${problems === 1 ? '' : 's'}`
  return `${count('valid')} valid, ${count('invalid')} invalid${skipped}${found}`
}
