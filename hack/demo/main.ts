/**
 * `npm run demo -- [options]`: see options.ts.
 *
 * Exit status: 0 done, 1 failed, 2 bad usage, 130 interrupted. A second Ctrl-C ends at once; guard processes then clean up.
 */
import { constants } from 'node:os'
import { type DemoOptions, parseOptions, UsageError } from './options.ts'

async function main(): Promise<number> {
  let options: DemoOptions
  try {
    // npm changes into the repository; paths are meant from where the person stands.
    options = parseOptions(process.argv.slice(2), process.env.INIT_CWD ?? process.cwd())
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    ;(error.exitStatus === 0 ? process.stdout : process.stderr).write(`${error.message}\n`)
    return error.exitStatus
  }

  const interruption = new AbortController()
  let status = 0
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      if (interruption.signal.aborted) process.exit(status)
      status = 128 + constants.signals[name]
      interruption.abort(new Error(`stopped by ${name}`))
    })
  }
  // A reader that has gone (`npm run demo | head`) is an end like Ctrl-C, not a crash that leaves processes.
  process.stdout.on('error', () => {
    status ||= 1
    interruption.abort(new Error('the output was closed'))
  })

  const { runDemo } = await import('./run.ts')
  try {
    await runDemo(options, process.stdout, interruption.signal)
    return status
  } catch (error) {
    if (interruption.signal.aborted) return status
    process.stderr.write(`the demo failed: ${error instanceof Error ? error.message : String(error)}\n`)
    return 1
  }
}

process.exitCode = await main()
