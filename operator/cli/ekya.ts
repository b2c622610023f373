#!/usr/bin/env node
/**
 * The command `ekya`.
 *
 * A worker is started without what the other commands need: on a few hundredths of a core that takes longer than all the rest.
 */
import { workerRoles } from '../api/names.ts'
import { describeError } from './errors.ts'

const args = process.argv.slice(2)
const [command, role = '', ...more] = args
const isWorker =
  command === 'worker' && more.length === 0 && (workerRoles as readonly string[]).includes(role)
const status = isWorker ? await startWorker() : await (await import('./program.ts')).run(args, process)
// Not process.exitCode: a worker that has returned its status is done, whatever a library may still wait for.
process.exit(status)

async function startWorker(): Promise<number> {
  try {
    return await (await import('./commands/worker.ts')).worker(role)
  } catch (error) {
    // The operator's image has no workers.
    process.stderr.write(`${describeError(error)}\n`)
    return 1
  }
}
