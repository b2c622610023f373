/**
 * The CEL rules of the CRDs for offline validation: each rule's text, word for word, with the same judgement in TypeScript.
 *
 * A test holds this table and the rules in crds/ to each other, and every rule is tried against the real API server too.
 * A predicate sees a value that its schema may have refused already; what it then throws counts as no verdict.
 */
import { parseDuration } from './duration.ts'

export type Predicate = (self: never) => boolean

interface Named {
  readonly metadata: { readonly name: string }
}

const uriPattern = /^(file:\/\/\/|[^/:]+(\/|$))[^:]*$/
const upwards = /(^|\/)[.][.](\/|$)/
const labelKey = /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/
const durationTerms = /^([0-9]+([.][0-9]+)?(ms|s|m|h))+$/
// Others are refused by the schema.
const operators = ['In', 'NotIn', 'Exists', 'DoesNotExist']
const quantityPattern = /^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)(([KMGTPE]i)|[numkMGTPE]|[eE][+-]?[0-9]+)?$/

export const predicates: Readonly<Record<string, Predicate>> = {
  'self >= 0.01 && self <= 0.5': between(0.01, 0.5),
  'self >= 0.01 && self <= 0.9': between(0.01, 0.9),
  'self >= 0.05 && self <= 0.9': between(0.05, 0.9),

  'self.metadata.name.size() <= 40': (self: Named) => self.metadata.name.length <= 40,
  'self.metadata.name.size() <= 63': (self: Named) => self.metadata.name.length <= 63,
  "!self.metadata.name.contains('.')": (self: Named) => !self.metadata.name.includes('.'),

  'has(self.goldenModel) || !(has(self.source.rtsp) || has(self.source.video))': (self: {
    readonly goldenModel?: object
    readonly source: { readonly rtsp?: object; readonly video?: object }
  }) => has(self.goldenModel) || !(has(self.source.rtsp) || has(self.source.video)),

  // A rule of changes: a manifest by itself, as a new object, has none.
  'self.model.uri != oldSelf.model.uri || oldSelf.classes.all(name, self.classes.indexOf(name) == oldSelf.classes.indexOf(name))':
    () => true,

  '[has(self.rtsp), has(self.video), has(self.samples), has(self.scene)].exists_one(set, set)': (
    self: Readonly<Record<string, unknown>>,
  ) => ['rtsp', 'video', 'samples', 'scene'].filter(name => has(self[name])).length === 1,

  "self.matches('^rtsps?://[^/@]+(/.*)?$')": (self: string) => /^rtsps?:\/\/[^/@]+(\/.*)?$/.test(self),

  "self.matches('^(file:///|[^/:]+(/|$))[^:]*$') && !self.matches('(^|/)[.][.](/|$)')": (self: string) =>
    uriPattern.test(self) && !upwards.test(self),

  "type(self) == int ? self > 0 : isQuantity(self) && quantity(self).isGreaterThan(quantity('0'))": (
    self: number | string,
  ) => (typeof self === 'number' ? self > 0 : quantityPattern.test(self) && Number.parseFloat(self) > 0),

  "self.all(key, key.matches('^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$'))":
    (self: object) => Object.keys(self).every(key => labelKey.test(key)),

  "self.operator in ['In', 'NotIn'] ? has(self.values) && self.values.size() > 0 : !has(self.values) || self.values.size() == 0":
    (self: { readonly operator: string; readonly values?: readonly string[] }) =>
      !operators.includes(self.operator) ||
      ['In', 'NotIn'].includes(self.operator) === (self.values !== undefined && self.values.length > 0),

  "self.matches('^([0-9]+([.][0-9]+)?(ms|s|m|h))+$') && duration(self) >= duration('10s') && duration(self) <= duration('24h')":
    (self: string) => {
      if (!durationTerms.test(self)) return false
      const seconds = parseDuration(self)
      return seconds >= 10 && seconds <= 24 * 3600
    },

  "type(self) == int ? self >= 1 && self <= 1000 : self in ['all', 'head']": (self: number | string) =>
    typeof self === 'number' ? self >= 1 && self <= 1000 : ['all', 'head'].includes(self),
}

function between(lowest: number, highest: number): Predicate {
  return (self: number) => self >= lowest && self <= highest
}

function has(value: unknown): boolean {
  return value !== undefined && value !== null
}
