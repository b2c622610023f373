/** `npm run bench -- NAME [arguments]`: runs hack/bench/NAME.ts; without a name lists what there is. */
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const folder = fileURLToPath(new URL('.', import.meta.url))
const names = readdirSync(folder)
  .filter(file => file.endsWith('.ts') && file !== 'main.ts')
  .map(file => file.replace(/\.ts$/, ''))

const [name, ...rest] = process.argv.slice(2)
if (name === undefined || !names.includes(name)) {
  process.stderr.write(`benchmark ${name ?? 'NAME'}: accepted are ${names.join(', ')}\n`)
  process.exitCode = 2
} else {
  process.exitCode =
    spawnSync(process.execPath, [`${folder}${name}.ts`, ...rest], { stdio: 'inherit' }).status ?? 1
}
