/**
 * The helper behind guard.ts: reads what to clean up from standard input, one JSON array a line, and cleans up when it closes.
 */
import { rmSync } from 'node:fs'
import { createInterface } from 'node:readline'

const groups = new Set<number>()
const paths = new Set<string>()

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})

createInterface({ input: process.stdin })
  .on('line', line => {
    const [verb, value = ''] = JSON.parse(line) as string[]
    if (verb === 'watch-group') groups.add(Number(value))
    else if (verb === 'forget-group') groups.delete(Number(value))
    else if (verb === 'watch-path') paths.add(value)
    else if (verb === 'forget-path') paths.delete(value)
  })
  .on('close', () => {
    for (const group of groups) {
      try {
        process.kill(-group, 'SIGKILL')
      } catch {
        // Already gone.
      }
    }
    // A killed process may still be writing its last file while the folder is removed, hence the retries.
    for (const path of paths) rmSync(path, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
  })
