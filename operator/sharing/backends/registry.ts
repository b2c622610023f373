/** The backends there are, by the value of a node's label `ekya.dev/sharing-backend`. */
import { type Backend, backendLabel, type RawNode, SharingError } from '../backend.ts'
import { cpuBackend } from './cpu.ts'

export const backends: readonly Backend[] = [cpuBackend]

/** @throws SharingError `unknown-backend` naming those that are accepted. */
export function backend(name: string): Backend {
  const found = backends.find(candidate => candidate.name === name)
  if (found) return found
  throw new SharingError(
    'unknown-backend',
    `sharing backend "${name}" is unknown; accepted: ${backends.map(candidate => candidate.name).join(', ')}`,
  )
}

/** The backend that a node is labelled for; undefined for a node without the label. @throws SharingError `unknown-backend`. */
export function backendOf(node: RawNode): Backend | undefined {
  const name = node.metadata?.labels?.[backendLabel]
  return name === undefined ? undefined : backend(name)
}
