/** Which changes of Nodes concern sites: nodes report their health every few seconds, and hardly any of it decides over GPUs. Pure. */
import type { RawNode } from '../sharing/backend.ts'
import type { BackendSet } from '../sharing/backends/registry.ts'
import { readiness } from './lost-nodes.ts'

/** By what the backends make of the node, so that whatever one of them reads counts. */
export function concernsSites(
  before: RawNode,
  after: RawNode,
  backends: Pick<BackendSet, 'discover' | 'refusals'>,
): boolean {
  const facts = (node: RawNode): string =>
    JSON.stringify([
      // Windows select nodes by them.
      node.metadata?.labels,
      backends.discover(node),
      backends.refusals(node),
      readiness(node)?.status,
    ])
  return facts(before) !== facts(after)
}
