/**
 * All tests, tier after tier: lint, typecheck, unit, reference (what takes longer: schedulers against records and
 * exhaustive search, gradients on many shapes, commands that compare and train), chart (what the Helm chart renders to, and its
 * alerts), integration, node (a real kubelet and containers; root on Debian), e2e.
 *
 *   node hack/test.ts [--only TIER…]
 *
 * The last line is `N passed, N failed[, N skipped]`. Lint and type check count as one each. A tier that cannot run here says why and
 * counts as one skipped; with CI=true every tier must run. Exit status 1 when anything failed.
 */
import { spawn } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Command, Option } from 'commander'
import { ensureHelm } from './chart/helm.ts'
import { ensurePromtool } from './chart/promtool.ts'
import { type ControlPlane, startControlPlane } from './control-plane/control-plane.ts'
import { processGuard } from './control-plane/guard.ts'
import { ensureRequirements } from './node/requirements.ts'
import { sharedKubeconfigVariable } from './testing/api-server.ts'
import { ensureBrowser } from './testing/browser.ts'
import { type Counts, countsVariable } from './testing/reporter.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const tierNames = ['lint', 'typecheck', 'unit', 'reference', 'chart', 'integration', 'node', 'e2e'] as const
type TierName = (typeof tierNames)[number]

interface TierResult extends Counts {
  readonly name: TierName
  readonly seconds: number
  /** Why it did not run, or why it failed as a whole. */
  readonly reason?: string
}

class TestRun {
  readonly #directory = mkdtempSync(join(tmpdir(), 'ekya-test-'))
  readonly #signal: AbortSignal
  #controlPlane: ControlPlane | undefined

  constructor(signal: AbortSignal) {
    this.#signal = signal
    processGuard().watchPath(this.#directory)
  }

  async tier(name: TierName): Promise<TierResult> {
    const started = performance.now()
    process.stdout.write(`\n── ${name} ${'─'.repeat(Math.max(1, 70 - name.length))}\n`)
    const result = await this.#run(name).catch((error: Error) => ({
      passed: 0,
      failed: 1,
      skipped: 0,
      reason: error.message,
    }))
    const seconds = (performance.now() - started) / 1000
    if (result.reason) process.stdout.write(`${name}: ${result.reason}\n`)
    return { name, seconds, ...result }
  }

  async close(): Promise<void> {
    await this.#controlPlane?.stop()
    rmSync(this.#directory, { recursive: true, force: true })
    processGuard().forgetPath(this.#directory)
  }

  async #run(name: TierName): Promise<Counts & { reason?: string }> {
    switch (name) {
      case 'lint':
        return this.#check('biome', ['check', '.'])
      case 'typecheck':
        return this.#check('tsc', ['--noEmit', '-p', 'tsconfig.json'])
      case 'unit':
        return this.#mocha(
          name,
          // The longest are those of the workers: they must not come last.
          testFiles('{operator,workers,hack}/**/*.test.ts')
            .filter(file => tierOf(file) === 'unit')
            .reverse(),
          onAllCores,
        )
      case 'reference':
        await ensureBrowser(line => void process.stdout.write(`${line}\n`))
        return this.#mocha(name, testFiles('{operator,workers}/**/*.reference.test.ts'), onAllCores)
      case 'chart':
        return this.#onChart(name, testFiles('hack/**/*.chart.test.ts'))
      case 'integration':
        return this.#onCluster(name, testFiles('{operator,workers,hack}/**/*.integration.test.ts'))
      case 'node':
        return this.#onNode(name, testFiles('{operator,workers,hack,e2e}/**/*.node.test.ts'))
      case 'e2e':
        return this.#onCluster(
          name,
          testFiles('e2e/**/*.test.ts').filter(file => tierOf(file) === 'unit'),
        )
    }
  }

  async #check(program: string, args: readonly string[]): Promise<Counts> {
    const status = await this.#spawn(join(root, 'node_modules/.bin', program), args)
    return status === 0 ? { passed: 1, failed: 0, skipped: 0 } : { passed: 0, failed: 1, skipped: 0 }
  }

  async #onChart(name: TierName, files: readonly string[]): Promise<Counts & { reason?: string }> {
    const onProgress = (line: string) => void process.stdout.write(`${line}\n`)
    try {
      await ensureHelm(onProgress, this.#signal)
      await ensurePromtool(onProgress, this.#signal)
    } catch (error) {
      return cannotRun((error as Error).message)
    }
    return this.#mocha(name, files, onAllCores)
  }

  /** One control plane serves all tiers that need one. */
  async #onCluster(name: TierName, files: readonly string[]): Promise<Counts & { reason?: string }> {
    if (files.length === 0) return this.#mocha(name, files)
    try {
      const onProgress = (line: string) => void process.stdout.write(`${line}\n`)
      this.#controlPlane ??= await startControlPlane({ directory: this.#directory, onProgress }, this.#signal)
    } catch (error) {
      return cannotRun(`no control plane: ${(error as Error).message}`)
    }
    return this.#mocha(name, files, {
      env: { [sharedKubeconfigVariable]: this.#controlPlane.kubeconfig },
    })
  }

  async #onNode(name: TierName, files: readonly string[]): Promise<Counts & { reason?: string }> {
    try {
      await ensureRequirements(line => void process.stdout.write(`${line}\n`))
    } catch (error) {
      return cannotRun(`no real node: ${(error as Error).message}`)
    }
    return this.#onCluster(name, files)
  }

  async #mocha(
    name: TierName,
    files: readonly string[],
    { env = {}, options = [] }: { env?: NodeJS.ProcessEnv; options?: readonly string[] } = {},
  ): Promise<Counts & { reason?: string }> {
    if (files.length === 0) return cannotRun('there are no test files')
    const counts = join(this.#directory, `${name}.json`)
    const mocha = join(root, 'node_modules/mocha/bin/mocha.js')
    const reporter = join(root, 'hack/testing/reporter.ts')
    const args = [mocha, '--reporter', reporter, ...options, ...files]
    const status = await this.#spawn(process.execPath, args, { ...env, [countsVariable]: counts })
    try {
      const result = JSON.parse(readFileSync(counts, 'utf8')) as Counts
      if (status === 0 || result.failed > 0) return result
      return { ...result, failed: 1, reason: `mocha ended with status ${status} although no test failed` }
    } catch {
      return {
        passed: 0,
        failed: 1,
        skipped: 0,
        reason: `mocha ended with status ${status} before the tests were through`,
      }
    }
  }

  #spawn(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<number> {
    this.#signal.throwIfAborted()
    return new Promise((resolve, reject) => {
      const child = spawn(command, args, {
        cwd: root,
        env: { ...process.env, ...env },
        stdio: ['ignore', 'inherit', 'inherit'],
      })
      child.on('error', reject)
      // The children of a terminal's Ctrl-C get the signal themselves; a signal to this process alone is handed on.
      const forward = () => child.kill('SIGTERM')
      this.#signal.addEventListener('abort', forward, { once: true })
      child.on('exit', (code, signal) => {
        this.#signal.removeEventListener('abort', forward)
        resolve(code ?? (signal ? 128 : 1))
      })
    })
  }
}

function cannotRun(reason: string): Counts & { reason: string } {
  return process.env.CI === 'true'
    ? { passed: 0, failed: 1, skipped: 0, reason: `failed, because in CI it must run: ${reason}` }
    : { passed: 0, failed: 0, skipped: 1, reason: `skipped: ${reason}` }
}

function testFiles(pattern: string): string[] {
  return globSync(pattern, { cwd: root, exclude: ['**/node_modules/**'] }).sort()
}

const onAllCores = { options: ['--parallel', '--jobs', String(Math.min(4, availableParallelism()))] }

/** `x.integration.test.ts` → integration. */
function tierOf(file: string): TierName {
  return tierNames.find(tier => file.endsWith(`.${tier}.test.ts`)) ?? 'unit'
}

function summarise(results: readonly TierResult[]): Counts {
  process.stdout.write('\n')
  const total = { passed: 0, failed: 0, skipped: 0 }
  for (const { name, seconds, passed, failed, skipped } of results) {
    total.passed += passed
    total.failed += failed
    total.skipped += skipped
    const outcome = `${passed} passed, ${failed} failed, ${skipped} skipped`
    process.stdout.write(`${name.padEnd(12)} ${seconds.toFixed(1).padStart(6)} s   ${outcome}\n`)
  }
  return total
}

const program = new Command('test')
  .description('Runs the tests of this repository.')
  .addOption(new Option('--only <tier...>', 'run these tiers only').choices(tierNames))
  .action(async ({ only = [...tierNames] }: { only?: TierName[] }) => {
    const controller = new AbortController()
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => controller.abort())
    const run = new TestRun(controller.signal)
    const results: TierResult[] = []
    try {
      for (const name of tierNames.filter(tier => only.includes(tier))) {
        if (controller.signal.aborted) break
        results.push(await run.tier(name))
      }
    } finally {
      await run.close()
    }
    const { passed, failed, skipped } = summarise(results)
    const interrupted = controller.signal.aborted ? 1 : 0
    if (interrupted) process.stdout.write('interrupted\n')
    process.stdout.write(
      `${passed} passed, ${failed + interrupted} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`,
    )
    process.exitCode = failed + interrupted > 0 ? 1 : 0
  })

await program.parseAsync()
