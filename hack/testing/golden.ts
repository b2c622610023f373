/** Compares a value with a YAML file that is kept beside a test. With UPDATE_GOLDEN=1 the file is written instead, for a person to read. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { expect } from 'chai'
import { parse, stringify } from 'yaml'

export const readGolden = (file: URL): unknown => parse(readFileSync(file, 'utf8'))

export function expectGolden(file: URL, value: unknown): void {
  if (process.env.UPDATE_GOLDEN === '1')
    writeFileSync(file, stringify(value, { lineWidth: 0, aliasDuplicateObjects: false }))
  expect(existsSync(file), `${file.pathname} is there; UPDATE_GOLDEN=1 writes it`).to.equal(true)
  expect(value).to.deep.equal(readGolden(file))
}
