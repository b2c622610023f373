/** The version of this program, as package.json has it. */
import { readFileSync } from 'node:fs'

const file = new URL('../../package.json', import.meta.url)

export const packageVersion: string = (JSON.parse(readFileSync(file, 'utf8')) as { readonly version: string })
  .version
