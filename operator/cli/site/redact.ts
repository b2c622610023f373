/** Takes secrets out of what leaves a cluster in a report: by the names of fields and by what credentials look like in texts. */

const secretName =
  /pass(word|wd)?$|secret$|token$|api[-_]?key$|private[-_]?key$|credential(s)?$|authorization$/i
const hidden = '[removed]'

const patterns: readonly (readonly [RegExp, string])[] = [
  [/\b([a-z][a-z0-9+.-]*:\/\/)[^\s/@:"']*:[^\s@"']*@/gi, `$1${hidden}@`],
  [/-----BEGIN [A-Z ]+-----[\s\S]*?(-----END [A-Z ]+-----|$)/g, hidden],
  [/\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}/gi, `$1 ${hidden}`],
  [/\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*/g, hidden],
  [
    /\b((?:[\w-]*(?:password|passwd|secret|token|api[-_]?key))["']?\s*[=:]\s*["']?)[^\s"',;}]+/gi,
    `$1${hidden}`,
  ],
]

export const redactText = (text: string): string =>
  patterns.reduce((rest, [pattern, by]) => rest.replace(pattern, by), text)

/** Objects as they stand in the API, without what only fills pages. */
export function redact(value: unknown, field = ''): unknown {
  if (typeof value === 'string') return secretName.test(field) ? hidden : redactText(value)
  if (Array.isArray(value)) return value.map(each => redact(each, field))
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value)
  // A variable of a container: the name of the field is in another field.
  const variable = (value as { name?: unknown }).name
  return Object.fromEntries(
    entries
      .filter(
        ([name]) => name !== 'managedFields' && name !== 'kubectl.kubernetes.io/last-applied-configuration',
      )
      .map(([name, each]) => [
        name,
        name === 'value' && typeof variable === 'string' && secretName.test(variable)
          ? hidden
          : redact(each, name),
      ]),
  )
}
