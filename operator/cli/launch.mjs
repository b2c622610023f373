#!/usr/bin/env node
/**
 * The command `ekya`, for whatever Node the shell finds: plain JavaScript that says what is missing before anything newer is loaded.
 * Runs ekya.ts on the Node from npm's packages where the machine's own is too old.
 */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { constants } from 'node:os'
import { fileURLToPath } from 'node:url'

const here = name => fileURLToPath(new URL(name, import.meta.url))
const bundled = here('../../node_modules/.bin/node')
const [major, minor] = process.versions.node.split('.').map(Number)
const newEnough = major > 22 || (major === 22 && minor >= 19)

if (!existsSync(here('../../node_modules/.package-lock.json'))) {
  console.error(
    'ekya: its npm packages are not installed yet; run `node hack/setup.mjs --dependencies-only` in the repository first',
  )
  process.exit(1)
} else if (newEnough) {
  await import('./ekya.ts')
} else if (existsSync(bundled)) {
  const child = spawn(bundled, [here('./ekya.ts'), ...process.argv.slice(2)], { stdio: 'inherit' })
  // A terminal sends these to the child as well.
  for (const signal of ['SIGINT', 'SIGHUP']) process.on(signal, () => {})
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  child.on('exit', (status, signal) => process.exit(status ?? 128 + (constants.signals[signal] ?? 0)))
} else {
  console.error(`ekya: Node.js 22.19 or newer is needed, this is ${process.versions.node}`)
  process.exit(1)
}
