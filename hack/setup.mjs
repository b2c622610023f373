/**
 * Makes a fresh checkout ready to run: npm packages, a Node that is new enough, the programs of the control plane.
 *
 *   node hack/setup.mjs [--dependencies-only] [SCRIPT [argument…]]
 *
 * With a script, it is run afterwards, on the Node that is new enough, and its status is the answer. A script that is only asked for
 * its --help needs no control plane.
 *
 * Plain JavaScript without imports from node_modules, because it runs on whatever Node the machine has (20 or newer) before anything
 * is installed. It does nothing, in a fraction of a second, when all is there. Whatever is missing is named together with how to get it.
 */
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const modules = join(root, 'node_modules')
const oldestHere = [20, 0]
const nodeAdvice =
  'https://nodejs.org/en/download, or a version manager (nvm, fnm, mise), or the package manager (apt-get install nodejs npm, brew install node)'

class SetupError extends Error {}

try {
  const { dependenciesOnly, script } = readArguments()
  checkThisNode()
  await installDependencies()
  const node = checkRunningNode()
  if (!dependenciesOnly && !script.includes('--help') && !script.includes('-h'))
    await prepareControlPlane(node)
  if (script.length > 0) process.exitCode = await runInPlace(node, script)
} catch (error) {
  console.error(error instanceof SetupError ? error.message : error)
  process.exitCode = 1
}

function readArguments() {
  const accepted = '--dependencies-only'
  const [first, ...rest] = process.argv.slice(2)
  const dependenciesOnly = first === accepted
  const script = dependenciesOnly ? rest : process.argv.slice(2)
  if (script[0]?.startsWith('-'))
    throw new SetupError(`${script[0]} is unknown; accepted are ${accepted} and a script to run`)
  return { dependenciesOnly, script }
}

function checkThisNode() {
  if (!atLeast(process.versions.node, oldestHere)) {
    throw new SetupError(
      `Node.js ${oldestHere.join('.')} or newer is needed, this is ${process.versions.node}: ${nodeAdvice}`,
    )
  }
}

/** npm leaves its own copy of the lock file behind; the digest covers a checkout that only touches the file's time. */
function dependenciesAreThere() {
  const installed = join(modules, '.package-lock.json')
  if (!existsSync(installed)) return false
  const stamp = join(modules, '.ekya-lock-digest')
  const digest = lockDigest()
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return true
  // "npm install" writes both files within moments, in either order.
  const tolerance = 10_000
  if (statSync(installed).mtimeMs + tolerance < statSync(join(root, 'package-lock.json')).mtimeMs)
    return false
  writeFileSync(stamp, digest)
  return true
}

function lockDigest() {
  return createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex')
}

async function installDependencies() {
  if (dependenciesAreThere()) return
  if (!isOnPath('npm'))
    throw new SetupError(`The program "npm" was not found. It comes with Node.js: ${nodeAdvice}`)
  const started = Date.now()
  console.error('installing npm packages (npm ci; half a minute with a fast line) …')
  const status = await run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], process.env)
  if (status !== 0) {
    throw new SetupError(
      'Installing the npm packages failed (see above). Is the registry reachable ("npm ping")?',
    )
  }
  writeFileSync(join(modules, '.ekya-lock-digest'), lockDigest())
  console.error(`installed npm packages in ${Math.round((Date.now() - started) / 1000)} s`)
}

/** The Node that npm scripts find first: from the optional package node-linux-*, else the machine's. */
function checkRunningNode() {
  const wanted = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).engines.node.replace(/^\D*/, '')
  const bundled = join(modules, '.bin', 'node')
  const tried = []
  for (const node of [bundled, process.execPath]) {
    const { stdout } = spawnSync(node, ['--version'], { encoding: 'utf8' })
    const version = stdout?.trim().replace(/^v/, '')
    if (version && atLeast(version, wanted.split('.').map(Number))) return node
    if (version) tried.push(version)
  }
  throw new SetupError(
    `Node.js ${wanted} or newer is needed to run this project; found: ${tried.join(', ')}. ` +
      `On Linux (x64, arm64) npm packages bring one along; elsewhere install it: ${nodeAdvice}`,
  )
}

async function prepareControlPlane(node) {
  const status = await run(node, [join(root, 'hack/control-plane/ensure.ts')], process.env)
  if (status !== 0) throw new SetupError('Without the control plane there is no cluster to run in.')
}

function run(command, args, env) {
  return new Promise((resolve, reject) => {
    // Standard output stays free for the program that follows.
    const child = spawn(command, args, { cwd: root, env, stdio: ['ignore', 2, 2] })
    child.on('error', reject)
    child.on('exit', (status, signal) => resolve(signal ? 1 : status))
  })
}

/** The script gets the terminal, and with it Ctrl-C; a request to this process to end is passed on. */
function runInPlace(node, script) {
  const path = `${join(modules, '.bin')}${delimiter}${process.env.PATH ?? ''}`
  return new Promise((resolve, reject) => {
    const child = spawn(node, script, { cwd: root, env: { ...process.env, PATH: path }, stdio: 'inherit' })
    for (const signal of ['SIGINT', 'SIGHUP']) process.on(signal, () => {})
    process.on('SIGTERM', () => child.kill('SIGTERM'))
    child.on('error', reject)
    child.on('exit', (status, signal) => resolve(status ?? 128 + (constants.signals[signal] ?? 0)))
  })
}

function isOnPath(program) {
  return (process.env.PATH ?? '')
    .split(delimiter)
    .some(folder => folder !== '' && existsSync(join(folder, program)))
}

function atLeast(version, wanted) {
  const parts = version.split('.').map(Number)
  for (const [index, least] of wanted.entries()) {
    if (parts[index] !== least) return parts[index] > least
  }
  return true
}
