/** Reads a policy's options: unknown names and wrong values are refused, all of them at once. */
import { SchedulerError } from './errors.ts'
import type { PolicyOptions } from './plan.ts'

export type OptionRule =
  | { readonly type: 'integer' | 'number'; readonly minimum: number; readonly maximum: number }
  | { readonly type: 'string' }
  /** The name of a retraining configuration: whoever knows those that there are asks `checkConfigurations`. */
  | { readonly type: 'configuration' }
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
  : Rule extends { readonly type: 'string' | 'configuration' }
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
      : [`${name} is ${inMessage(value)}, accepted is ${describeRule(rule)}`]
  })
  if (faults.length === 0) return
  const names = Object.keys(rules)
  const accepted =
    names.length === 0
      ? 'it has no options'
      : `accepted: ${names.map(name => `${name} (${describeRule(rules[name]!)})`).join(', ')}`
  throw new SchedulerError('bad-options', `policy ${policy}: ${faults.join('; ')}; ${accepted}`)
}

/**
 * Refuses names of retraining configurations that nothing is known of: with a typing error a policy would train nothing, and say nothing.
 *
 * @param options that keep to the rules. @param known all configurations that there are.
 * @throws SchedulerError `bad-options`, naming those that are accepted.
 */
export function checkConfigurations(
  policy: string,
  options: PolicyOptions,
  rules: OptionRules,
  known: readonly string[],
): void {
  const unknown = Object.entries(rules).flatMap(([name, rule]) => {
    const value = options[name]
    const refused = rule.type === 'configuration' && typeof value === 'string' && !known.includes(value)
    return refused ? [`${name} is ${JSON.stringify(value)}, which is no retraining configuration here`] : []
  })
  if (unknown.length === 0) return
  const some = known.slice(0, mostNamed).join(', ')
  const more = known.length > mostNamed ? ` and ${known.length - mostNamed} more` : ''
  const accepted = known.length === 0 ? 'there is none' : `accepted: ${some}${more}`
  throw new SchedulerError('bad-options', `policy ${policy}: ${unknown.join('; ')}; ${accepted}`)
}

/** Of a long list so many are named. */
const mostNamed = 20

/** JSON knows no numbers beyond the largest. */
const inMessage = (value: unknown): string =>
  typeof value === 'number' ? String(value) : JSON.stringify(value)

function accepts(rule: OptionRule, value: unknown): boolean {
  if (rule.type === 'string' || rule.type === 'configuration')
    return typeof value === 'string' && value !== ''
  if (rule.type === 'choice') return rule.values.some(accepted => accepted === value)
  if (rule.type === 'file') return typeof value === 'object' && value !== null && !Array.isArray(value)
  if (typeof value !== 'number' || !(value >= rule.minimum && value <= rule.maximum)) return false
  return rule.type === 'number' || Number.isInteger(value)
}

/** What an option accepts, in words. */
export function describeRule(rule: OptionRule): string {
  if (rule.type === 'string') return 'a name'
  if (rule.type === 'configuration') return 'the name of a retraining configuration'
  if (rule.type === 'choice') return rule.values.join(' or ')
  if (rule.type === 'file') return rule.content
  return `a ${rule.type === 'integer' ? 'whole ' : ''}number from ${rule.minimum} to ${rule.maximum}`
}
