/** The backends there are, by the value of a node's label `ekya.dev/sharing-backend`. */
import { type Backend, backendLabel, type RawNode, SharingError, type SiteGpu } from '../backend.ts'
import { cpuBackend } from './cpu.ts'
import { cpuReplaceBackend } from './cpu-replace.ts'

export const backends: readonly Backend[] = [cpuBackend, cpuReplaceBackend]

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

/** Several backends as one: each GPU is the business of the one that its node is labelled for. */
export interface BackendSet {
  discover(node: RawNode): readonly SiteGpu[]
  of(gpu: Pick<SiteGpu, 'labels'>): Backend
}

/** @param members at least one; the first is that of a GPU without the label. */
export function backendSet(members: readonly Backend[] = backends): BackendSet {
  return {
    discover: node => members.flatMap(member => member.discover(node)),
    of: ({ labels }) => members.find(({ name }) => name === labels?.[backendLabel]) ?? members[0]!,
  }
}
