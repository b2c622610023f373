/**
 * Applies the schemas' defaults as the API server does: from outside to inside, so that a default that is an object gets the
 * defaults of its own fields; null counts as absent.
 */
import type { Schema } from './schema.ts'

/** A new value; what was given stays as it is. */
export function withDefaults(value: unknown, schema: Schema): unknown {
  if (Array.isArray(value)) return schema.items ? value.map(item => withDefaults(item, schema.items!)) : value
  if (typeof value !== 'object' || value === null) return value
  const result: Record<string, unknown> = { ...value }
  for (const [name, child] of Object.entries(schema.properties ?? {})) {
    if (result[name] === null) delete result[name]
    if (child.default !== undefined && result[name] === undefined)
      result[name] = structuredClone(child.default)
    if (result[name] !== undefined) result[name] = withDefaults(result[name], child)
  }
  return result
}
