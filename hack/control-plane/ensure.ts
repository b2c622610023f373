/**
 * Finds the control plane's programs, or builds them into the cache folder: the part of the set-up that needs no API.
 *
 *   node hack/control-plane/ensure.ts
 */
import { ensureBinaries } from './binaries.ts'
import { ControlPlaneError } from './errors.ts'

const controller = new AbortController()
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => controller.abort())

try {
  await ensureBinaries({ onProgress: line => void process.stderr.write(`${line}\n`) }, controller.signal)
} catch (error) {
  if (controller.signal.aborted) process.stderr.write('interrupted; the next run goes on from here\n')
  else
    process.stderr.write(`${error instanceof ControlPlaneError ? error.message : (error as Error).stack}\n`)
  process.exitCode = 1
}
