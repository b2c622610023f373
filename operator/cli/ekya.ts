#!/usr/bin/env node
/** The command `ekya`. */
import { run } from './program.ts'

// Not process.exitCode: a worker that has returned its status is done, whatever a library may still wait for.
process.exit(await run(process.argv.slice(2), process))
