/** Reads a policy's options: unknown names and wrong values are refused, all of them at once. */
import { SchedulerError } from '../errors.ts'
import type { PolicyOptions } from '../plan.ts'

export type OptionRule =
  | { readonly type: 'integer' | 'number'; readonly minimum: number; readonly maximum: number }
  | { readonly type: 'string' }
  | { readonly type: 'choice'; readonly values: readonly string[] }
  /** The content of a JSON file: whoever has the file's name reads it, policies do not. */
  | { readonly type: 'file'; readonly content: string }

export type OptionRules = Readonly<Record<string, OptionRule>>

/** Options that keep to the rules; none of them need be there. */
export type OptionValues<Rules extends OptionRules> = {
  readonly [Name in keyof Rules]?: ValueOf<Rules[Name]>
}

type ValueOf<Rule extends OptionRule> = Rule extends { readonly type: 'integer' | 'number' }
  ? number
  : Rule extends { readonly type: 'string' }
    ? string
    : Rule extends { readonly type: 'choice'; readonly values: readonly (infer Value)[] }
      ? Value
      : object

/**
 * The options as they were given, checked.
 *
 * @throws SchedulerError `bad-options`, naming every fault and the accepted options.
 */
export function checkOptions(policy: string, options: PolicyOptions, rules: OptionRules): void {
  const faults = Object.entries(options).flatMap(([name, value]) => {
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined
    if (rule === undefined) return [`${name} is not an option`]
    return value === undefined || accepts(rule, value)
      ? []
      : [`${name} is ${JSON.stringify(value)}, accepted is ${describeRule(rule)}`]
  })
  if (faults.length === 0) return
  const names = Object.keys(rules)
  const accepted =
    names.length === 0
      ? 'it has no options'
      : `accepted: ${names.map(name => `${name} (${describeRule(rules[name]!)})`).join(', ')}`
  throw new SchedulerError('bad-options', `policy ${policy}: ${faults.join('; ')}; ${accepted}`)
}

function accepts(rule: OptionRule, value: unknown): boolean {
  if (rule.type === 'string') return typeof value === 'string' && value !== ''
  if (rule.type === 'choice') return rule.values.some(accepted => accepted === value)
  if (rule.type === 'file') return typeof value === 'object' && value !== null && !Array.isArray(value)
  if (typeof value !== 'number' || !(value >= rule.minimum && value <= rule.maximum)) return false
  return rule.type === 'number' || Number.isInteger(value)
}

/** What an option accepts, in words. */
export function describeRule(rule: OptionRule): string {
  if (rule.type === 'string') return 'a name'
  if (rule.type === 'choice') return rule.values.join(' or ')
  if (rule.type === 'file') return rule.content
  return `a ${rule.type === 'integer' ? 'whole ' : ''}number from ${rule.minimum} to ${rule.maximum}`
}
