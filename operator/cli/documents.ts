/**
 * The documents of a YAML or JSON file, read as kubectl reads them, with the lines at which their fields stand.
 *
 * kubectl's YAML is 1.1 where it hurts: `on`, `off`, `yes` and `no` are booleans, so a class named `off` must be quoted.
 */
import { isMap, isSeq, LineCounter, type Node, parseAllDocuments } from 'yaml'

export interface ManifestDocument {
  /** From 1. */
  readonly index: number
  /** Of its first token, from 1. */
  readonly line: number
  readonly value: unknown
  /** Line of a field such as `spec.classes[2]`, or of the nearest one around it that exists. */
  lineOf(path: string): number
}

export interface SyntaxProblem {
  readonly line: number
  readonly message: string
}

export interface FileContent {
  readonly documents: readonly ManifestDocument[]
  readonly syntax: readonly SyntaxProblem[]
}

/** Types of YAML 1.1 that kubectl does not have: such values stay strings. */
const foreignTags = ['timestamp', 'binary', 'omap', 'pairs', 'set'].map(name => `tag:yaml.org,2002:${name}`)

export function readDocuments(text: string): FileContent {
  const lines = new LineCounter()
  const parsed = parseAllDocuments(text, {
    version: '1.1',
    customTags: tags =>
      tags.filter(
        tag =>
          typeof tag === 'string' ||
          !(foreignTags.includes(tag.tag) || ('format' in tag && tag.format === 'TIME')),
      ),
    lineCounter: lines,
    prettyErrors: false,
  })
  const syntax: SyntaxProblem[] = []
  const documents: ManifestDocument[] = []
  const line = (offset: number) => lines.linePos(offset).line
  for (const [index, document] of ('empty' in parsed ? [] : parsed).entries()) {
    for (const error of document.errors) syntax.push({ line: line(error.pos[0]), message: error.message })
    if (document.errors.length > 0 || document.contents === null) continue
    const root = document.contents as Node
    let value: unknown
    try {
      value = document.toJS({ maxAliasCount: 100 })
    } catch (error) {
      // Aliases are looked up only here.
      syntax.push({ line: line(root.range?.[0] ?? 0), message: (error as Error).message })
      continue
    }
    if (value === null) continue
    documents.push({
      index: index + 1,
      line: line(root.range?.[0] ?? 0),
      value,
      lineOf: path => line(offsetOf(root, path) ?? root.range?.[0] ?? 0),
    })
  }
  return { documents, syntax }
}

/** Offset of the field, or of the nearest one around it. */
function offsetOf(root: Node, path: string): number | undefined {
  let node: unknown = root
  let offset = root.range?.[0]
  for (const segment of segments(path)) {
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => String(key) === segment)
      if (!pair) return offset
      offset = (pair.key as Node).range?.[0] ?? offset
      node = pair.value
    } else if (isSeq(node)) {
      node = node.items[Number(segment)]
      offset = (node as Node | undefined)?.range?.[0] ?? offset
    } else {
      return offset
    }
  }
  return offset
}

/** `spec.nodeSelector[a.b/c]` → spec, nodeSelector, a.b/c. */
function segments(path: string): readonly string[] {
  return [...path.matchAll(/\[([^\]]*)\]|([^.[\]]+)/g)].map(([, bracketed, plain]) => bracketed ?? plain!)
}
