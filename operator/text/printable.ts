/** Texts of files and of users as they may reach a terminal, where control characters would move its cursor, colour it or forge lines. */

/** Control characters, separators of lines, and what changes the direction of writing. */
const unprintable = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu

const short: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** On one line, with all of those spelt out. */
export const printable = (text: string): string =>
  text.replace(
    unprintable,
    character => short[character] ?? `\\u${character.codePointAt(0)!.toString(16).padStart(4, '0')}`,
  )

/** The same of a text that has lines of its own. */
export const printableLines = (text: string): string => text.split('\n').map(printable).join('\n')
