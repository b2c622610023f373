/** Reads a policy's options: unknown names and wrong values are refused, all of them at once. */
import { SchedulerError } from '../errors.ts'
import type { PolicyOptions } from '../plan.ts'

export type OptionRule =
  | { readonly type: 'integer' | 'number'; readonly minimum: number; readonly maximum: number }
  | { readonly type: 'string' }

/**
 * The options as they were given, checked.
 *
 * @throws SchedulerError `bad-options`, naming every fault and the accepted options.
 */
export function checkOptions(
  policy: string,
  options: PolicyOptions,
  rules: Readonly<Record<string, OptionRule>>,
): void {
  const faults = Object.entries(options).flatMap(([name, value]) => {
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined
    if (rule === undefined) return [`${name} is not an option`]
    return value === undefined || accepts(rule, value)
      ? []
      : [`${name} is ${JSON.stringify(value)}, accepted is ${describe(rule)}`]
  })
  if (faults.length === 0) return
  const names = Object.keys(rules)
  const accepted =
    names.length === 0
      ? 'it has no options'
      : `accepted: ${names.map(name => `${name} (${describe(rules[name]!)})`).join(', ')}`
  throw new SchedulerError('bad-options', `policy ${policy}: ${faults.join('; ')}; ${accepted}`)
}

function accepts(rule: OptionRule, value: unknown): boolean {
  if (rule.type === 'string') return typeof value === 'string' && value !== ''
  if (typeof value !== 'number' || !(value >= rule.minimum && value <= rule.maximum)) return false
  return rule.type === 'number' || Number.isInteger(value)
}

function describe(rule: OptionRule): string {
  return rule.type === 'string'
    ? 'a name'
    : `a ${rule.type === 'integer' ? 'whole ' : ''}number from ${rule.minimum} to ${rule.maximum}`
}
