/** The schemas of our kinds as data: JSON Schema with the extensions of Kubernetes that the rules need. */
export interface Schema {
  readonly type?:
    | 'object'
    | 'array'
    | 'string'
    | 'integer'
    | 'number'
    | 'boolean'
    | readonly ['integer', 'string']
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: false | Schema
  readonly maxProperties?: number
  readonly items?: Schema
  readonly minItems?: number
  readonly maxItems?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly pattern?: string
  readonly format?: string
  readonly enum?: readonly string[]
  readonly minimum?: number
  readonly exclusiveMinimum?: number
  readonly maximum?: number
  readonly default?: unknown
  readonly 'x-kubernetes-list-type'?: 'atomic' | 'set' | 'map'
  readonly 'x-kubernetes-list-map-keys'?: readonly string[]
  readonly 'x-kubernetes-validations'?: readonly Rule[]
}

/** A rule in Kubernetes' Common Expression Language. */
export interface Rule {
  readonly rule: string
  readonly message: string
  /** Where the fault is, relative to where the rule stands, for example `.goldenModel`. */
  readonly fieldPath?: string
  readonly reason?: string
}
