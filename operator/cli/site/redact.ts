/** Takes secrets out of what leaves a cluster in a report: by the names of fields and by what credentials look like in texts. */

const hidden = '[removed]'
/** Words of which one in a name makes what it names a secret. */
const words =
  '(?<![a-z])pass|pass(?:word|wd|phrase)|secrets?|tokens?|credentials?|(?:api|access|private|signing|encryption)[-_]?keys?'
/** `password`, `apiKey`, `accessKeyId`; not `key`, as a toleration has one, nor `secretName`, which tells no secret. */
const secretField = new RegExp(`(?:${words}|authorization)(?:[-_]?id)?$`, 'i')
/** `AWS_SECRET_ACCESS_KEY`, `RTSP_PASS`, `CAMERA_KEY`: a variable that is named so is a secret by any of its words. */
const secretVariable = new RegExp(`(?:^|[-_.])(?:${words}|pwd|keys?|auth|authorization)(?:[-_.]|$)`, 'i')
/** An option whose value is the next argument. */
const secretOption = new RegExp(String.raw`^--?[\w-]*(?:${words})[\w-]*$`, 'i')

/** `token=abc`, `"token": "a b"`: the quotes stay, so that what was JSON still is. */
const assigned = (open: string, value: string): readonly [RegExp, string] => [
  new RegExp(String.raw`((?:${words})(?:id|[-_][\w-]*)?(?:\\?["'])?\s*[=:]\s*${open})${value}`, 'gi'),
  `$1${hidden}`,
]

const patterns: readonly (readonly [RegExp, string])[] = [
  [/\b([a-z][a-z0-9+.-]{0,30}:\/\/)(?:[^\s/@:"']*:[^\s@"']*|[^\s/@"'?#]+)@/gi, `$1${hidden}@`],
  [/-----BEGIN [A-Z ]+-----[\s\S]*?(-----END [A-Z ]+-----|$)/g, hidden],
  [/\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}/gi, `$1 ${hidden}`],
  [/\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*/g, hidden],
  assigned(String.raw`\\"`, String.raw`(?:[^"\\]|\\[^"])*`),
  assigned('"', String.raw`(?:[^"\\]|\\.)*`),
  assigned("'", "[^']*"),
  assigned('', String.raw`(?![\\"'])[^\s"',;}&]+`),
]

export const redactText = (text: string): string =>
  patterns.reduce((rest, [pattern, by]) => rest.replace(pattern, by), text)

/** Objects as they stand in the API, without what only fills pages. */
export function redact(value: unknown, field = ''): unknown {
  if (typeof value === 'string') return secretField.test(field) ? hidden : redactText(value)
  if (Array.isArray(value))
    return value.map((each, i) => {
      const before: unknown = value[i - 1]
      const isValue = typeof before === 'string' && secretOption.test(before) && typeof each === 'string'
      return isValue ? hidden : redact(each, field)
    })
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
        name === 'value' && typeof variable === 'string' && secretVariable.test(variable)
          ? hidden
          : redact(each, name),
      ]),
  )
}
