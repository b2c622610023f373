/**
 * Processes of an earlier life of the same node: found by the mark that each bears in its environment, and killed, so that no pod
 * ever runs twice. Normally there are none, because a guard process ends them with their node.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { nodeMarker } from './container-environment.ts'

/** Resolves with the number of processes that were killed, when they are gone. */
export async function killLeftovers(marker: string): Promise<number> {
  const found = marked(marker)
  for (const pid of found) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It has just ended.
    }
  }
  for (let left = found; left.length > 0; left = marked(marker)) await delay(10)
  return found.length
}

function marked(marker: string): number[] {
  const entry = `${nodeMarker}=${marker}`
  const candidates = readdirSync('/proc').filter(name => /^\d+$/.test(name) && Number(name) !== process.pid)
  return candidates.map(Number).filter(pid => {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(entry)
    } catch {
      return false
    }
  })
}
