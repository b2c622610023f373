#!/usr/bin/env node
/**
 * The command `ekya`.
 *
 * A worker is started without what the other commands need: on a few hundredths of a core that takes longer than all the rest.
 */
import { workerRoles } from '../api/names.ts'

const args = process.argv.slice(2)
const [command, role = '', ...more] = args
const isWorker =
  command === 'worker' && more.length === 0 && (workerRoles as readonly string[]).includes(role)
const status = isWorker
  ? await (await import('./commands/worker.ts')).worker(role)
  : await (await import('./program.ts')).run(args, process)
// Not process.exitCode: a worker that has returned its status is done, whatever a library may still wait for.
process.exit(status)
