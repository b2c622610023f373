/**
 * Every object that the chart renders, with each switch on and off, is taken by a real API server: fields strictly checked, the
 * restricted Pod Security Standard enforced, in the features of the oldest Kubernetes that the chart accepts and in the current ones.
 */
import { readFileSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { parse } from 'yaml'
import { podManifest } from '../../operator/controllers/pod-manifest.ts'
import { camera, gpu, retrainingWindow } from '../../operator/controllers/testing/site.ts'
import { inferenceConfig } from '../../operator/controllers/worker-config.ts'
import { cpuBackend } from '../../operator/sharing/backends/cpu.ts'
import { ApiClient } from '../control-plane/api-client.ts'
import { type ControlPlane, startControlPlane } from '../control-plane/control-plane.ts'
import { processGuard } from '../control-plane/guard.ts'
import { pinnedVersions } from '../control-plane/versions.ts'
import { waitFor } from '../testing/wait-for.ts'
import { ensureHelm } from './helm.ts'
import { chartFolder, type Rendered, render, type Values } from './render.ts'
import { monitoringCrds } from './testing/monitoring-crds.ts'
import { objectPaths } from './testing/paths.ts'
import { everything, nothing, turnedOver } from './testing/switches.ts'

const namespace = 'ekya-system'
const current = pinnedVersions().kubernetes.split('.').slice(0, 2).join('.')

const defaults = parse(readFileSync(`${chartFolder}values.yaml`, 'utf8')) as Values
const election = (values: Values): Values | undefined =>
  (values.operator as { readonly leaderElection?: Values } | undefined)?.leaderElection

/** All on, all off, each switch turned over in the defaults and in all on, and what is no switch. */
const variants: readonly Values[] = [
  {},
  ...turnedOver(defaults, {}),
  // Two replicas without an election are refused, as another test shows.
  ...turnedOver(defaults, everything).filter(values => election(values)?.enabled !== false),
  everything,
  nothing,
  { ...everything, watchNamespaces: [namespace, 'site-a', 'site-b'] },
  { operator: { replicas: 2 } },
  { operator: { replicas: 2, topologySpreadConstraints: [spread('zone')] } },
  {
    operator: { image: { digest: `sha256:${'a'.repeat(64)}` }, priorityClassName: 'system-cluster-critical' },
  },
  { operator: { resources: { limits: { memory: '1G', cpu: 2 }, requests: { cpu: '500m' } } } },
  {
    watchNamespaces: ['site-a'],
    networkPolicy: { enabled: true },
    metrics: { podMonitor: { enabled: true } },
  },
  { storage: { type: 'hostPath' } },
  { operator: { mountStorage: true }, storage: { type: 'hostPath' } },
  { storage: { pvc: { keep: false, accessMode: 'ReadWriteOncePod' } } },
  {
    gpu: { enabled: true },
    nodeAgent: {
      runtimeClassName: '',
      tolerations: [],
      nodeSelector: {},
      allocation: 'node-status',
      shmFolder: '',
    },
  },
  { metrics: { prometheusRule: { enabled: true, disabled: ['EkyaQueueAge'] } } },
]

function spread(topologyKey: string): object {
  return { topologyKey, maxSkew: 1, whenUnsatisfiable: 'DoNotSchedule', labelSelector: {} }
}

for (const version of ['1.33', current])
  describe(`the chart at an API server of Kubernetes ${version}`, function () {
    this.timeout(120_000)
    let controlPlane: ControlPlane
    let client: ApiClient
    let pathOf: (object: Rendered) => Promise<string>

    before(async function () {
      this.timeout(30 * 60_000)
      const progress = (line: string) => void process.stderr.write(`  ${line}\n`)
      await ensureHelm(progress)
      const directory = await mkdtemp(join(tmpdir(), 'ekya-test-'))
      processGuard().watchPath(directory)
      controlPlane = await startControlPlane({
        directory,
        components: [],
        ...(version === current ? {} : { emulatedVersion: version }),
        onProgress: progress,
      })
      client = await ApiClient.fromKubeconfig(controlPlane.kubeconfig)
      for (const crd of monitoringCrds)
        await client.post('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', crd)
      await waitFor(() => client.exists('/apis/monitoring.coreos.com/v1/prometheusrules'), {
        deadlineMs: 30_000,
        describe: 'the kinds of the Prometheus Operator',
      })
      for (const name of [namespace, 'site-a', 'site-b'])
        await client.post('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
      // The service accounts of pods, which a controller would make.
      for (const name of ['default', 'ekya-operator', 'ekya-test', 'ekya-node-agent'])
        await client.post(`/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name } })
      // What pods name, with the value that the chart gives it.
      const value = 1_000_000
      await client.post('/apis/scheduling.k8s.io/v1/priorityclasses', { metadata: { name: 'ekya' }, value })
      await client.post('/apis/node.k8s.io/v1/runtimeclasses', {
        metadata: { name: 'nvidia' },
        handler: 'nvidia',
      })
      pathOf = objectPaths(client)
    })

    after(async () => {
      client?.close()
      await controlPlane?.stop()
    })

    const dryRun = async (object: Rendered): Promise<void> => {
      const query = 'dryRun=All&fieldManager=chart-test&force=true&fieldValidation=Strict'
      await client.patch(`${await pathOf(object)}?${query}`, 'apply', object)
    }

    it('says that it is of that version', async () => {
      const { major, minor, emulationMinor } = await client.get<Record<string, string>>('/version')
      expect(`${major}.${version === current ? minor : emulationMinor}`).to.equal(version)
    })

    it('is taken as a whole, whatever is switched on or off', async () => {
      const seen = new Set<string>()
      for (const values of variants)
        for (const object of await render(values, { namespace, kubeVersion: `${version}.0` })) {
          const text = JSON.stringify(object)
          if (seen.has(text)) continue
          seen.add(text)
          await dryRun(object).catch((error: Error) => {
            throw new Error(
              `${JSON.stringify(values)}: ${object.kind} ${object.metadata.name}: ${error.message}`,
            )
          })
        }
      expect(seen.size).to.be.above(60)
    })

    it('makes pods that a namespace with the restricted standard admits', async () => {
      await label(namespace, 'restricted')
      const objects = (await render(everything, { namespace, kubeVersion: `${version}.0` })).flatMap(podOf)
      expect(objects.map(({ metadata }) => metadata.name).sort()).to.deep.equal([
        'ekya-node-agent',
        'ekya-operator',
        'ekya-test',
      ])
      for (const pod of objects) {
        const refusal = await dryRun(pod).then(
          () => '',
          (error: Error) => error.message,
        )
        if (pod.metadata.name === 'ekya-node-agent')
          expect(refusal).to.include('violates PodSecurity "restricted')
        else expect(refusal, pod.metadata.name).to.equal('')
      }
    })

    it('needs the privileged standard for the node agent only', async () => {
      await label(namespace, 'privileged')
      for (const pod of (await render(everything, { namespace, kubeVersion: `${version}.0` })).flatMap(podOf))
        await dryRun(pod)
    })

    it('has worker pods that the restricted standard admits on a claim, and refuses on a folder of the node', async () => {
      await label(namespace, 'restricted')
      for (const [source, refused] of [
        [{ persistentVolumeClaim: { claimName: 'ekya-storage' } }, false],
        [{ hostPath: { path: '/var/lib/ekya' } }, true],
      ] as const) {
        const refusal = await dryRun(workerPod(source)).then(
          () => '',
          (error: Error) => error.message,
        )
        if (refused) expect(refusal).to.include('restricted volume types')
        else expect(refusal).to.equal('')
      }
    })

    async function label(name: string, standard: string): Promise<void> {
      const labels = { 'pod-security.kubernetes.io/enforce': standard }
      await client.patch(`/api/v1/namespaces/${name}`, 'merge', { metadata: { labels } })
    }
  })

/** An inference pod as the operator makes it. */
function workerPod(source: Readonly<Record<string, unknown>>): Rendered {
  const stream = camera('cam-0')
  const window = retrainingWindow({ current: { index: 1, phase: 'Labeling' } })
  const item = {
    ...{ stream: 'cam-0', node: gpu.node, gpu: gpu.gpu, inferenceShare: 0.2, trainingShare: 0 },
    ...{ inferenceConfiguration: 'every-frame', state: 'None' as const },
  }
  const config = inferenceConfig({ stream, window, item, device: gpu.device, storage: '/storage', seed: 1 })
  const options = { image: 'ekya-worker', storage: { source, mountPath: '/storage' } }
  const pod = podManifest(
    { config, stream, window, share: 0.2, gpu },
    cpuBackend,
    options,
  ) as unknown as Rendered
  return { ...pod, metadata: { ...pod.metadata, namespace } }
}

/** The pod that a workload would make. */
function podOf(object: Rendered): readonly Rendered[] {
  if (object.kind === 'Pod') return [object]
  if (object.kind !== 'Deployment' && object.kind !== 'DaemonSet') return []
  const { template } = object.spec as {
    readonly template: { readonly metadata: object; readonly spec: object }
  }
  const { name, namespace } = object.metadata
  return [
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { ...template.metadata, name, namespace },
      spec: template.spec,
    },
  ]
}
