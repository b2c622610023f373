import { agentMetrics } from '../../../workers/node-agent/agent-metrics.ts'

/** Names of metrics in a text of PromQL expressions: ours and those of prom-client. */
export function metricsIn(text: string): readonly string[] {
  // ekya_* only: label names and values, file names and functions look otherwise.
  const names = text.matchAll(/\b(ekya_[a-z_]+|nodejs_[a-z0-9_]+|process_[a-z_]+)\b/g)
  return [...new Set([...names].map(([, name]) => name!))].sort()
}

/** Names of the node agent's metrics, which only clusters with GPUs have. */
export function nodeAgentMetrics(): ReadonlySet<string> {
  const nothing = () => Promise.reject(new Error('nothing is read'))
  const { registry } = agentMetrics({
    node: '',
    agent: () => {
      throw new Error('nothing is read')
    },
    clientProcess: nothing,
    processMemory: nothing,
  })
  return new Set(registry.getMetricsAsArray().map(({ name }) => name))
}
