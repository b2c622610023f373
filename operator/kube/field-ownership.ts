/**
 * Would a server-side apply change anything? Answered from a cached object, so that a reconcile which has nothing to
 * say sends nothing.
 *
 * The manager's entry in metadata.managedFields (fieldsV1) tells which fields it owns and which lists are keyed. The
 * apply changes nothing when the body holds exactly these fields, each with the value that the object has. Values are
 * compared as JSON: where the server spells a value differently (a quantity of `0.5` becomes `500m`) the answer is
 * yes, which costs a call that the server takes for nothing, and is never wrong the other way.
 *
 * fieldsV1: `f:name` a field, `k:{…}` the item of a keyed list with these keys, `v:…` a member of a set, `.` the item
 * itself; an empty object ends a path: the value below belongs to the manager as a whole.
 */
type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json }
type JsonObject = { readonly [name: string]: Json }

/** Identity, not content: never in fieldsV1. */
const identity = new Set(['name', 'namespace', 'uid', 'resourceVersion', 'generateName'])

/** `owned`: fieldsV1 of the manager. `body`: what is to be applied. `object`: what is there. */
export function bodyMatches(owned: object, body: object, object: object): boolean {
  const { apiVersion: _a, kind: _k, metadata, ...rest } = body as JsonObject
  const content = Object.fromEntries(
    Object.entries((metadata ?? {}) as JsonObject).filter(([name]) => !identity.has(name)),
  )
  const stated: JsonObject = Object.keys(content).length > 0 ? { ...rest, metadata: content } : rest
  return fieldsMatch(owned as JsonObject, stated, object as JsonObject)
}

function fieldsMatch(owned: JsonObject, body: Json | undefined, object: Json | undefined): boolean {
  const paths = Object.keys(owned).filter(path => path !== '.')
  if (paths.length === 0) return equalJson(body, object)
  if (Array.isArray(body)) return Array.isArray(object) && itemsMatch(owned, paths, body, object)
  if (!isObject(body) || !isObject(object)) return false

  const stated = Object.keys(body).filter(name => body[name] !== undefined)
  if (stated.length !== paths.length) return false
  return paths.every(path => {
    const name = path.slice(2)
    return (
      path.startsWith('f:') &&
      body[name] !== undefined &&
      fieldsMatch(below(owned, path), body[name], object[name])
    )
  })
}

function itemsMatch(
  owned: JsonObject,
  paths: readonly string[],
  body: readonly Json[],
  object: readonly Json[],
): boolean {
  if (body.length !== paths.length) return false
  return paths.every(path => {
    const token = parse(path.slice(2))
    if (path.startsWith('v:')) {
      return body.some(item => equalJson(item, token)) && object.some(item => equalJson(item, token))
    }
    if (!path.startsWith('k:') || !isObject(token)) return false
    const stated = findItem(body, token)
    const present = findItem(object, token)
    return stated !== undefined && present !== undefined && fieldsMatch(below(owned, path), stated, present)
  })
}

/** The item with these keys. A key with a default (a port's protocol) may be missing in the body: then a call is made. */
function findItem(items: readonly Json[], keys: JsonObject): JsonObject | undefined {
  return items
    .filter(isObject)
    .find(item => Object.entries(keys).every(([name, value]) => equalJson(item[name], value)))
}

const below = (owned: JsonObject, path: string): JsonObject => owned[path] as JsonObject

const isObject = (value: Json | undefined): value is JsonObject =>
  value !== null && typeof value === 'object' && !Array.isArray(value)

function parse(text: string): Json | undefined {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Equality of JSON values; members that are undefined count as absent. */
export function equalJson(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (a === null || b === null || typeof a !== 'object' || typeof b !== 'object') return false
  if (Array.isArray(a) || Array.isArray(b)) {
    return (
      Array.isArray(a) &&
      Array.isArray(b) &&
      a.length === b.length &&
      a.every((item, index) => equalJson(item, b[index]))
    )
  }
  const left = Object.entries(a).filter(([, value]) => value !== undefined)
  const right = Object.entries(b).filter(([, value]) => value !== undefined)
  const other = b as Readonly<Record<string, unknown>>
  return left.length === right.length && left.every(([name, value]) => equalJson(value, other[name]))
}
