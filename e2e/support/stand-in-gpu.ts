/**
 * A GPU for a site on a real node: the node agent as a process, with recorded stand-ins of the driver's programs, whose device plugin gives
 * containers their units by the real kubelet.
 */
import { join } from 'node:path'
import { after, before } from 'mocha'
import { freePorts } from '../../hack/control-plane/ports.ts'
import { waitFor } from '../../hack/testing/wait-for.ts'
import {
  type GpuRecord,
  gpuInventoryAnnotation,
  gpuShareResource,
  parseGpuInventory,
} from '../../operator/api/gpu-inventory.ts'
import { streamLabel } from '../../operator/api/names.ts'
import type { Pod } from '../../operator/cluster/pod.ts'
import type { RawNode } from '../../operator/sharing/backend.ts'
import { AgentProcess } from '../../workers/node-agent/testing/agent-process.ts'
import { DriverStandIns, standInUuid } from '../../workers/node-agent/testing/driver-stand-ins.ts'
import type { E2eSite } from './site.ts'

export interface StandInGpu {
  agent(): AgentProcess
  /** Resolves once the node offers so many units. */
  untilUnits(units: number): Promise<void>
  /** The MPS server says FAULT until no container has units of the GPU any more. Resolves once the agent has told. */
  fault(): Promise<void>
  /** Resolves once the agent says that the GPU can be used. */
  untilReady(): Promise<void>
}

const clientsMs = 100

/** To be called in the body of a `describe`, after useSite. */
export function useStandInGpu(site: E2eSite): StandInGpu {
  let driver: DriverStandIns | undefined
  let agent: AgentProcess | undefined
  let following: NodeJS.Timeout | undefined

  const read = () => site.api.client().get<RawNode>(`/api/v1/nodes/${site.containers().node().name}`)
  const untilUnits = async (units: number) => {
    await waitFor(async () => (await read()).status?.allocatable?.[gpuShareResource(0)] === String(units), {
      deadlineMs: 60_000,
      describe: () => `${units} units to be on offer; the agent said:\n${agent?.output.slice(-2000)}`,
    })
  }

  const untilState = async (state: GpuRecord['state']) => {
    await waitFor(
      async () => {
        const text = (await read()).metadata?.annotations?.[gpuInventoryAnnotation]
        return parseGpuInventory(text ?? '').inventory?.gpus[0]?.state === state
      },
      { deadlineMs: 60_000, intervalMs: 50, describe: `the node to say that its GPU is in state ${state}` },
    )
  }

  before(async () => {
    driver = new DriverStandIns()
    const [port] = await freePorts(1)
    const node = site.containers().node()
    agent = new AgentProcess({
      kubeconfig: site.api.kubeconfig(),
      nodeName: node.name,
      driver,
      port: port!,
      more: ['--device-plugin-folder', join(node.kubeletFolder, 'device-plugins')],
    })
    agent.start()
    await untilUnits(200)
    following = setInterval(() => void follow(), clientsMs)
  })

  after(async () => {
    clearInterval(following)
    await agent?.end('SIGTERM')
    driver?.remove()
  })

  /** Each container that runs is a client of the MPS server. */
  async function follow(): Promise<void> {
    const path = `/api/v1/namespaces/${site.api.namespace()}/pods?labelSelector=${encodeURIComponent(streamLabel)}`
    const list = await site.api
      .client()
      .get<{ items: readonly Pod[] }>(path)
      .catch(() => undefined)
    if (list === undefined || following === undefined) return
    const running = new Set(
      list.items
        .filter(({ status }) => status?.containerStatuses?.[0]?.state?.running !== undefined)
        .map(({ metadata }) => clientOf(metadata.uid!)),
    )
    try {
      for (const client of driver!.clients(standInUuid))
        if (!running.has(client)) driver!.disconnect(standInUuid, client)
      for (const client of running) driver!.connect(standInUuid, client)
    } catch {
      // The daemon is being started again: it has no clients.
    }
  }

  return {
    agent: () => agent!,
    untilUnits,
    async fault() {
      driver!.fault(standInUuid)
      await untilState('fault')
    },
    untilReady: () => untilState('ready'),
  }
}

/** A number for the client, as a process has. */
const clientOf = (uid: string): number => Number.parseInt(uid.replaceAll('-', '').slice(0, 7), 16)
