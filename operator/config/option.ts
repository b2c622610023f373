/** One option of `ekya operator`: how it is called, what is said of it, and what is accepted. */
export interface Option<T> {
  /** As the command line's parser names it. */
  readonly name: string
  /** Without the leading dashes. */
  readonly flag: string
  /** Environment variable. */
  readonly variable: string
  /** Placeholder of the value in the help; absent for switches. */
  readonly value?: string
  readonly description: string
  /** What the message says when a value is refused. */
  readonly accepted: string
  readonly default?: string
  readonly required?: boolean
  /** May be given several times; separated by commas in the variable. */
  readonly repeatable?: boolean
  /** undefined: refused. */
  readonly parse: (text: never) => T | undefined
}

export const define = <T>(option: Omit<Option<T>, 'name' | 'variable'>): Option<T> => ({
  ...option,
  name: option.flag.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase()),
  variable: `EKYA_${option.flag.replaceAll('-', '_').toUpperCase()}`,
})
