/**
 * A real node on the suite's API server. Where the machine cannot have one the suite is skipped with the reason, except in CI.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before } from 'mocha'
import type { Pod, PodSpec } from '../../process-node/pod.ts'
import type { ApiServer } from '../../testing/api-server.ts'
import { type PodReader, podReader } from '../../testing/pods.ts'
import { preferCgroup } from '../cgroups.ts'
import { NodeError } from '../errors.ts'
import { type NodeOptions, type RealNode, startNode } from '../node.ts'

/** A test cannot do anything about these; in CI they are failures all the same. */
const unfit = ['not-linux', 'not-root', 'programs-missing', 'no-namespaces']

export interface RealNodeFixture extends PodReader {
  node(): RealNode
  create(name: string, spec: PodSpec): Promise<Pod>
  /** Standard output and error of the pod's only container. */
  logs(name: string): Promise<string>
  delete(name: string): Promise<void>
  /** The cpu quota of a container in cores, as the kernel has it. */
  quota(podUid: string, containerId: string): number
  /** What a container has used of it so far. */
  cpuUse(podUid: string, containerId: string): CpuUse
  /** From now on the node's pods get the cpu time of their limits, however busy the machine is with other things. */
  preferPods(): void
}

export interface CpuUse {
  readonly seconds: number
  /** When that was so, milliseconds of `performance.now()`. */
  readonly atMs: number
  /** Of enforcement (0.1 s each) in which it wanted to run, and those in which it got no more because its quota was used up. */
  readonly periods: number
  readonly throttled: number
}

/** To be called in the body of a `describe`, after useApiServer. */
export function useRealNode(api: ApiServer, given: Partial<NodeOptions> = {}): RealNodeFixture {
  let node: RealNode | undefined
  const directory = mkdtempSync(join(tmpdir(), 'ekya-node-'))
  const pods = () => `/api/v1/namespaces/${api.namespace()}/pods`

  before(async function () {
    // A build of kubelet and the installation of packages may have to come first.
    this.timeout(15 * 60_000)
    try {
      node = await startNode({
        kubeconfig: api.kubeconfig(),
        name: `node-${api.namespace()}`,
        directory,
        onProgress: line => void process.stderr.write(`  ${line}\n`),
        ...given,
      })
    } catch (error) {
      if (process.env.CI === 'true' || !(error instanceof NodeError) || !unfit.includes(error.code))
        throw error
      process.stderr.write(`  skipped: ${error.message}\n`)
      this.skip()
    }
  })

  after(async function () {
    this.timeout(60_000)
    await node?.stop()
    rmSync(directory, { recursive: true, force: true })
  })

  const fixture: RealNodeFixture = {
    node: () => node!,
    create: (name, spec) =>
      api.client().post<Pod>(pods(), {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name },
        spec: {
          nodeSelector: { 'kubernetes.io/hostname': node!.name },
          terminationGracePeriodSeconds: 1,
          ...spec,
          containers: spec.containers.map(container => ({ imagePullPolicy: 'IfNotPresent', ...container })),
        },
      }),
    ...podReader(api, 45_000),
    async logs(name) {
      const pod = await fixture.read(name)
      const container = pod.spec.containers[0]!.name
      const folder = `/var/log/pods/${pod.metadata.namespace}_${name}_${pod.metadata.uid}/${container}`
      return node!.run(['sh', '-c', `cat ${folder}/*.log`])
    },
    quota(podUid, containerId) {
      const { version } = node!.cgroup
      const read = containerFiles(node!, 'cpu', podUid, containerId)
      const [quota, period] =
        version === 2 ? read('cpu.max').split(' ') : [read('cpu.cfs_quota_us'), read('cpu.cfs_period_us')]
      return Number(quota) / Number(period)
    },
    cpuUse(podUid, containerId) {
      const stat = (text: string, name: string) =>
        Number(
          text
            .split('\n')
            .find(line => line.startsWith(`${name} `))
            ?.split(' ')[1],
        )
      const read = containerFiles(node!, 'cpu', podUid, containerId)
      const readTime =
        node!.cgroup.version === 2 ? read : containerFiles(node!, 'cpuacct', podUid, containerId)
      const periods = read('cpu.stat')
      const atMs = performance.now()
      const seconds =
        node!.cgroup.version === 2
          ? stat(readTime('cpu.stat'), 'usage_usec') / 1e6
          : Number(readTime('cpuacct.usage')) / 1e9
      return {
        seconds,
        atMs,
        periods: stat(periods, 'nr_periods'),
        throttled: stat(periods, 'nr_throttled'),
      }
    },
    preferPods: () => preferCgroup(node!.cgroup),
    async delete(name) {
      await api.client().delete(`${pods()}/${name}`, { gracePeriodSeconds: 0 })
    },
  }
  return fixture
}

/** Reads files of a container's control group; `controller` is of version 1. */
function containerFiles(
  { cgroup: { path, version } }: RealNode,
  controller: 'cpu' | 'cpuacct',
  podUid: string,
  containerId: string,
): (file: string) => string {
  const id = containerId.replace(/^containerd:\/\//, '')
  const root = version === 2 ? `/sys/fs/cgroup${path}` : `/sys/fs/cgroup/${controller}${path}`
  const groups = readdirSync(root, { recursive: true }) as string[]
  const folder = groups.find(name => name.endsWith(`${podUid}/${id}`))
  if (folder === undefined)
    throw new Error(`Container ${id} of pod ${podUid} has no control group in ${root}`)
  return file => readFileSync(join(root, folder, file), 'utf8').trim()
}
