/** Debian packages for tests: installed in CI, where a new machine has none of them; a person is told which they are. */
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { run } from '../control-plane/build.ts'

/** Whether they may be installed here: in CI, as root on a system with apt-get. */
export const mayInstall = (): boolean =>
  process.env.CI === 'true' && process.getuid?.() === 0 && isOnPath('apt-get')

/** @throws Error with the end of apt-get's output. */
export async function installPackages(
  names: readonly string[],
  onProgress: (line: string) => void,
): Promise<void> {
  onProgress(`installing ${names.join(' ')}`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  await run('apt-get', ['update', '-q'], { env })
  await run('apt-get', ['install', '-y', '-q', '--no-install-recommends', ...names], { env })
}

export const isOnPath = (
  program: string,
  environment: NodeJS.ProcessEnv = process.env,
  isExecutable = canExecute,
): boolean =>
  (environment.PATH ?? '')
    .split(delimiter)
    .some(folder => folder !== '' && isExecutable(join(folder, program)))

export function canExecute(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
