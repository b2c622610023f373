/**
 * Takes this process's children and temporary folders along when it dies, whatever it dies of (SIGKILL included).
 *
 * A small helper process holds the reading end of a pipe. While this process lives it only notes what is to go; when the pipe
 * closes, it kills the noted process groups and removes the noted paths. It needs no signal handler in this process, so that a
 * library may use it without owning the program's shutdown.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export interface Guard {
  /** Kill this process group when the caller's process dies. The child must lead its own group (`detached: true`). */
  watchGroup(pid: number): void
  /** Must be called when the group's leader has been reaped, before its number can be given to another process. */
  forgetGroup(pid: number): void
  /** Remove this file or folder when the caller's process dies. */
  watchPath(path: string): void
  forgetPath(path: string): void
  /** Kill all that runs in this control group and below, and remove the groups, when the caller's process dies. */
  watchCgroup(folder: string): void
  forgetCgroup(folder: string): void
}

let shared: Guard | undefined

/** One guard serves the whole process. */
export function processGuard(): Guard {
  shared ??= startGuard()
  return shared
}

function startGuard(): Guard {
  const script = fileURLToPath(new URL('guard-process.ts', import.meta.url))
  // Its own session: a Ctrl-C at the terminal must not end the guard before the one that it guards.
  const child: ChildProcess = spawn(process.execPath, [script], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    env: {},
  })
  child.unref()
  const pipe = child.stdin!
  // Losing the guard must not bring down what it guards; the orderly way to stop still works without it.
  pipe.on('error', () => {})
  child.on('error', () => {})
  ;(pipe as unknown as { unref?: () => void }).unref?.()
  const send = (...words: string[]): void => {
    pipe.write(`${JSON.stringify(words)}\n`)
  }
  return {
    watchGroup: pid => send('watch-group', String(pid)),
    forgetGroup: pid => send('forget-group', String(pid)),
    watchPath: path => send('watch-path', path),
    forgetPath: path => send('forget-path', path),
    watchCgroup: folder => send('watch-cgroup', folder),
    forgetCgroup: folder => send('forget-cgroup', folder),
  }
}
