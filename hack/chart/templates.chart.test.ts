/** What the chart renders to, value by value. */
import { expect } from 'chai'
import { run as runEkya } from '../../operator/cli/program.ts'
import { parseOperatorConfig } from '../../operator/config/config.ts'
import { gpuOptions } from '../../operator/config/gpu-options.ts'
import { nodeAgentOptions, parseNodeAgentConfig } from '../../operator/config/node-agent.ts'
import type { Option } from '../../operator/config/option.ts'
import { allOptions } from '../../operator/config/options.ts'
import { lint, notes, type Rendered, render, type Values } from './render.ts'
import { everything, objectsOf } from './testing/switches.ts'

interface Container {
  readonly image: string
  readonly command: readonly string[]
  readonly args?: readonly string[]
  readonly env?: readonly { readonly name: string; readonly value?: string }[]
  readonly securityContext: Readonly<Record<string, unknown>>
}

interface PodSpec {
  readonly containers: readonly [Container]
  readonly [field: string]: unknown
}

const podOf = (object: Rendered): PodSpec => {
  const spec = object.spec as { readonly template?: { readonly spec: PodSpec } } & PodSpec
  return spec.template?.spec ?? spec
}

/** Every flag of the operator for GPUs, each with another value than its own. */
const gpuValues: Values = {
  backend: 'kai',
  runtimeClassName: 'none',
  podCpu: '1500m',
  podMemory: '3Gi',
  units: { resource: 'example.org/unit', perGpu: 100 },
  slices: { resource: 'example.org/slice', perGpu: 8 },
  kaiQueue: 'edge',
}

const operatorPod = async (values: Values): Promise<PodSpec> =>
  podOf((await render(values, { only: ['templates/operator-deployment.yaml'] }))[0]!)

/** Paths as in `containers.0.image`. */
const at = (value: unknown, path: string): unknown =>
  path
    .split('.')
    .reduce<unknown>((found, key) => (found as Record<string, unknown> | undefined)?.[key], value)

describe('the chart', function () {
  this.timeout(60_000)

  it('passes the strict lint, as it is and with every switch on', async () => {
    for (const values of [{}, everything]) expect(await lint(values)).to.include('0 chart(s) failed')
  })

  it('installs as little as possible by default', async () => {
    expect(objectsOf(await render())).to.deep.equal([
      'ClusterRole ekya-camerastream-editor',
      'ClusterRole ekya-camerastream-viewer',
      'ClusterRole ekya-retrainingwindow-editor',
      'ClusterRole ekya-retrainingwindow-viewer',
      'ClusterRole ekya-system-ekya-operator',
      'ClusterRoleBinding ekya-system-ekya-operator',
      'ConfigMap ekya-test',
      'CustomResourceDefinition camerastreams.ekya.dev',
      'CustomResourceDefinition retrainingwindows.ekya.dev',
      'Deployment ekya-operator',
      'PersistentVolumeClaim ekya-storage',
      'Pod ekya-test',
      'Role ekya-operator-lease',
      'Role ekya-test',
      'RoleBinding ekya-operator-lease',
      'RoleBinding ekya-test',
      'Service ekya-operator',
      'ServiceAccount ekya-operator',
      'ServiceAccount ekya-test',
    ])
  })

  describe('switches add and remove objects', () => {
    const table: readonly { values: Values; adds?: readonly string[]; removes?: readonly string[] }[] = [
      {
        values: { crds: { enabled: false } },
        removes: [
          'CustomResourceDefinition camerastreams.ekya.dev',
          'CustomResourceDefinition retrainingwindows.ekya.dev',
        ],
      },
      { values: { operator: { replicas: 2 } }, adds: ['PodDisruptionBudget ekya-operator'] },
      { values: { operator: { replicas: 2, podDisruptionBudget: { enabled: false } } } },
      {
        values: { operator: { leaderElection: { enabled: false } } },
        removes: ['Role ekya-operator-lease', 'RoleBinding ekya-operator-lease'],
      },
      {
        values: { serviceAccount: { create: false, name: 'mine' } },
        removes: ['ServiceAccount ekya-operator'],
      },
      {
        values: { rbac: { aggregateClusterRoles: false } },
        removes: [
          'camerastream-editor',
          'camerastream-viewer',
          'retrainingwindow-editor',
          'retrainingwindow-viewer',
        ].map(n => `ClusterRole ekya-${n}`),
      },
      { values: { storage: { type: 'hostPath' } }, removes: ['PersistentVolumeClaim ekya-storage'] },
      { values: { storage: { pvc: { create: false } } }, removes: ['PersistentVolumeClaim ekya-storage'] },
      { values: { metrics: { serviceMonitor: { enabled: true } } }, adds: ['ServiceMonitor ekya-operator'] },
      { values: { metrics: { podMonitor: { enabled: true } } }, adds: ['PodMonitor ekya-workers'] },
      { values: { metrics: { prometheusRule: { enabled: true } } }, adds: ['PrometheusRule ekya'] },
      { values: { metrics: { dashboard: { enabled: true } } }, adds: ['ConfigMap ekya-dashboard'] },
      {
        values: { networkPolicy: { enabled: true } },
        adds: ['NetworkPolicy ekya-operator', 'NetworkPolicy ekya-workers'],
      },
      { values: { priorityClass: { create: true } }, adds: ['PriorityClass ekya'] },
      {
        values: { gpu: { enabled: true } },
        adds: [
          'ClusterRole ekya-system-ekya-node-agent',
          'ClusterRoleBinding ekya-system-ekya-node-agent',
          'DaemonSet ekya-node-agent',
          'ServiceAccount ekya-node-agent',
        ],
      },
      {
        values: { tests: { enabled: false } },
        removes: [
          'ConfigMap ekya-test',
          'Pod ekya-test',
          'Role ekya-test',
          'RoleBinding ekya-test',
          'ServiceAccount ekya-test',
        ],
      },
      {
        values: { watchNamespaces: ['site-a', 'site-b'] },
        adds: ['site-a', 'site-b'].flatMap(n => [
          `PersistentVolumeClaim ${n}/ekya-storage`,
          `Role ${n}/ekya-system-ekya-operator`,
          `RoleBinding ${n}/ekya-system-ekya-operator`,
        ]),
        removes: ['PersistentVolumeClaim ekya-storage'],
      },
    ]
    for (const { values, adds = [], removes = [] } of table)
      it(JSON.stringify(values), async () => {
        const [before, after] = [objectsOf(await render()), objectsOf(await render(values))]
        expect(after.filter(name => !before.includes(name))).to.deep.equal([...adds].sort())
        expect(before.filter(name => !after.includes(name))).to.deep.equal([...removes].sort())
      })
  })

  describe("the operator's pod", () => {
    const digest = `sha256:${'a'.repeat(64)}`
    const table: readonly { values: Values; path: string; want: unknown }[] = [
      { values: {}, path: 'containers.0.image', want: 'ekya-operator:0.1.0' },
      {
        values: { operator: { image: { registry: 'registry.example.org:5000/a', tag: 'x' } } },
        path: 'containers.0.image',
        want: 'registry.example.org:5000/a/ekya-operator:x',
      },
      {
        values: { operator: { image: { tag: 'x', digest } } },
        path: 'containers.0.image',
        want: `ekya-operator@${digest}`,
      },
      { values: { imagePullSecrets: ['pull'] }, path: 'imagePullSecrets', want: [{ name: 'pull' }] },
      {
        values: { operator: { priorityClassName: 'system-cluster-critical' } },
        path: 'priorityClassName',
        want: 'system-cluster-critical',
      },
      { values: { priorityClass: { create: true } }, path: 'priorityClassName', want: 'ekya' },
      { values: {}, path: 'priorityClassName', want: undefined },
      { values: {}, path: 'topologySpreadConstraints', want: undefined },
      {
        values: { operator: { replicas: 2 } },
        path: 'topologySpreadConstraints.0.topologyKey',
        want: 'kubernetes.io/hostname',
      },
      {
        values: { operator: { topologySpreadConstraints: [{ topologyKey: 'zone' }] } },
        path: 'topologySpreadConstraints',
        want: [{ topologyKey: 'zone' }],
      },
      { values: { operator: { nodeSelector: { a: 'b' } } }, path: 'nodeSelector', want: { a: 'b' } },
      { values: { operator: { tolerations: [{ key: 'a' }] } }, path: 'tolerations', want: [{ key: 'a' }] },
      {
        values: { serviceAccount: { create: false, name: 'mine' } },
        path: 'serviceAccountName',
        want: 'mine',
      },
    ]
    for (const { values, path, want } of table)
      it(`${path} of ${JSON.stringify(values)}`, async () => {
        expect(at(await operatorPod(values), path)).to.deep.equal(want)
      })

    for (const { memory, heap } of [
      { memory: '512Mi', heap: 307 },
      { memory: '1Gi', heap: 614 },
      { memory: '500M', heap: 285 },
      { memory: '400000Ki', heap: 234 },
      { memory: '536870912', heap: 307 },
    ])
      it(`binds Node's heap to a memory limit of ${memory}`, async () => {
        const { containers } = await operatorPod({ operator: { resources: { limits: { memory } } } })
        const value = containers[0].env?.find(({ name }) => name === 'NODE_OPTIONS')?.value
        expect(value).to.equal(`--max-old-space-size=${heap}`)
      })

    it('is refused a memory limit that Node does not start with', async () => {
      const limit = (memory: string) => operatorPod({ operator: { resources: { limits: { memory } } } })
      await limit('128Mi')
      const refusal = await limit('100Mi').then(
        () => '',
        (error: Error) => error.message,
      )
      expect(refusal).to.include('operator.resources.limits.memory: 100Mi').and.include('128Mi or more')
    })

    it('changes when nothing but the worker image does, so that a new one is taken up', async () => {
      const { containers } = await operatorPod({ worker: { image: { digest } } })
      expect(containers[0].args).to.include(`--worker-image=ekya-worker@${digest}`)
    })
  })

  describe('flags', () => {
    const table: readonly { values: Values; want: Readonly<Record<string, unknown>> }[] = [
      {
        values: {},
        want: {
          'storage.source.persistentVolumeClaim.claimName': 'ekya-storage',
          'storage.mountPath': '/var/lib/ekya',
          workerImage: 'ekya-worker:0.1.0',
          'http.port': 8080,
          'leaderElection.enabled': true,
          namespaces: [],
          logLevel: 'info',
          seed: 1,
        },
      },
      {
        values: { storage: { type: 'hostPath', hostPath: { path: '/data/ekya' } } },
        want: { 'storage.source.hostPath.path': '/data/ekya', 'storage.mountPath': '/data/ekya' },
      },
      { values: { storage: { mountPath: '/mnt/x' } }, want: { 'storage.mountPath': '/mnt/x' } },
      {
        values: { operator: { leaderElection: { enabled: false } } },
        want: { 'leaderElection.enabled': false },
      },
      { values: { watchNamespaces: ['b', 'a'] }, want: { namespaces: ['a', 'b'] } },
      { values: { sharing: { backend: 'cpu' } }, want: { backend: 'cpu' } },
      {
        values: {
          worker: {
            tolerations: [
              { key: 'dedicated', operator: 'Equal', value: 'cameras', effect: 'NoSchedule' },
              { key: 'example.org/edge', operator: 'Exists' },
              { key: 'empty' },
            ],
          },
        },
        want: {
          workerTolerations: [
            { key: 'dedicated', operator: 'Equal', value: 'cameras', effect: 'NoSchedule' },
            { key: 'example.org/edge', operator: 'Exists' },
            { key: 'empty', operator: 'Equal', value: '' },
          ],
        },
      },
      { values: { operator: { extraArgs: ['--log-level=warn'] } }, want: { logLevel: 'warn' } },
      {
        values: {},
        want: {
          'gpus.defaultBackend': 'mps',
          'gpus.runtimeClass': 'nvidia',
          'gpus.podResources': { cpu: '1', memory: '2Gi' },
          'gpus.units': { resource: 'nvidia.com/gpu' },
          'gpus.slices': { resource: 'nvidia.com/gpu.shared' },
          'gpus.kaiQueue': undefined,
        },
      },
      {
        values: { gpu: gpuValues },
        want: {
          'gpus.defaultBackend': 'kai',
          'gpus.runtimeClass': undefined,
          'gpus.podResources': { cpu: '1500m', memory: '3Gi' },
          'gpus.units': { resource: 'example.org/unit', perGpu: 100 },
          'gpus.slices': { resource: 'example.org/slice', perGpu: 8 },
          'gpus.kaiQueue': 'edge',
        },
      },
      {
        values: { operator: { mountStorage: true } },
        want: { 'storage.folder': '/storage', 'storage.mountPath': '/var/lib/ekya' },
      },
      {
        values: { operator: { logLevel: 'debug', seed: 2_000_000_000 } },
        want: { logLevel: 'debug', seed: 2_000_000_000 },
      },
    ]
    for (const { values, want } of table)
      it(`of ${JSON.stringify(values)} are understood by the operator`, async () => {
        const { containers } = await operatorPod(values)
        const config = parseOperatorConfig(flagsOf(containers[0].args ?? [], allOptions), {
          POD_NAMESPACE: 'ekya-system',
        })
        for (const [path, expected] of Object.entries(want))
          expect(at(config, path), path).to.deep.equal(expected)
        expect(config.leaderElection.namespace).to.equal('ekya-system')
      })

    it('of GPUs are all values of the chart', async () => {
      const { containers } = await operatorPod({ gpu: gpuValues })
      const given = Object.keys(flagsOf(containers[0].args ?? [], allOptions))
      expect(given).to.include.members(Object.values(gpuOptions).map(({ name }) => name))
    })

    for (const { values, want } of [
      {
        values: {},
        want: {
          allocation: 'device-plugin',
          curveFolder: '/var/lib/ekya/curves',
          shmFolder: undefined,
          'http.port': 8080,
          logLevel: 'info',
        },
      },
      {
        values: {
          allocation: 'node-status',
          shmFolder: '/run/ekya/shm',
          curveFolder: '/data/curves',
          logLevel: 'warn',
          extraArgs: ['--oldest-driver=560', '--no-measure-curve'],
        },
        want: {
          allocation: 'node-status',
          shmFolder: '/run/ekya/shm',
          curveFolder: '/data/curves',
          logLevel: 'warn',
          oldestDriver: 560,
          measureCurve: false,
        },
      },
    ])
      it(`of the node agent of ${JSON.stringify(values)} are understood by it`, async () => {
        const objects = await render(
          { gpu: { enabled: true }, nodeAgent: values },
          { only: ['templates/node-agent.yaml'] },
        )
        const [container] = podOf(objects.find(({ kind }) => kind === 'DaemonSet')!).containers
        const named = container.env?.map(({ name }) => [name, 'node-1']) ?? []
        const config = parseNodeAgentConfig(
          flagsOf(container.args ?? [], nodeAgentOptions),
          Object.fromEntries(named.filter(([name]) => name === 'EKYA_NODE_NAME')),
        )
        for (const [path, expected] of Object.entries({ ...want, nodeName: 'node-1' }))
          expect(at(config, path), path).to.deep.equal(expected)
      })

    it('are known to the command line', async () => {
      const { containers } = await operatorPod({ operator: { leaderElection: { enabled: false } } })
      let complaints = ''
      const write = (text: string) => (complaints += text)
      const io = { stdin: (async function* () {})(), stdout: { write }, stderr: { write }, env: {} }
      // The last one is bad on purpose: so all others are looked at, and no operator starts.
      const args = ['operator', ...(containers[0].args ?? []), '--seed=none']
      expect(await runEkya(args, io)).to.equal(2)
      expect(complaints)
        .to.include('--seed')
        .and.not.match(/is no known/)
    })
  })

  it('runs every pod by the restricted standard, but the node agent', async () => {
    const pods = (await render(everything)).filter(({ kind }) =>
      ['Deployment', 'DaemonSet', 'Pod'].includes(kind),
    )
    expect(pods.map(({ kind }) => kind).sort()).to.deep.equal(['DaemonSet', 'Deployment', 'Pod'])
    for (const object of pods.filter(({ kind }) => kind !== 'DaemonSet')) {
      const pod = podOf(object)
      expect(at(pod, 'securityContext.runAsNonRoot')).to.equal(true)
      expect(at(pod, 'securityContext.seccompProfile.type')).to.equal('RuntimeDefault')
      for (const field of ['hostPID', 'hostIPC', 'hostNetwork']) expect(pod[field], field).to.equal(undefined)
      expect(pod.containers[0].securityContext).to.deep.equal({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        runAsNonRoot: true,
        capabilities: { drop: ['ALL'] },
        seccompProfile: { type: 'RuntimeDefault' },
      })
    }
  })

  it('grants no wildcard, and no secret', async () => {
    interface Rule {
      readonly apiGroups: readonly string[]
      readonly resources: readonly string[]
      readonly verbs: readonly string[]
    }
    const roles = (await render(everything)).filter(({ kind }) => kind === 'Role' || kind === 'ClusterRole')
    expect(roles).to.have.length.above(5)
    for (const role of roles)
      for (const rule of role.rules as readonly Rule[]) {
        const words = [...rule.apiGroups, ...rule.resources, ...rule.verbs]
        expect(words.join(), role.metadata.name).not.to.include('*').and.not.to.include('secrets')
      }
  })

  it('grants the same in single namespaces as in all, but for nodes', async () => {
    const rules = async (values: Values, kind: string) =>
      (await render(values, { only: ['templates/operator-rbac.yaml'] })).find(
        role => role.kind === kind && role.metadata.name === 'ekya-system-ekya-operator',
      )?.rules as readonly unknown[]
    const [all, single, cluster] = await Promise.all([
      rules({}, 'ClusterRole'),
      rules({ watchNamespaces: ['a'] }, 'Role'),
      rules({ watchNamespaces: ['a'] }, 'ClusterRole'),
    ])
    expect(cluster).to.deep.equal([{ apiGroups: [''], resources: ['nodes'], verbs: ['list', 'watch'] }])
    expect(all).to.deep.equal([...cluster, ...single])
  })

  it('keeps definitions and claims through an uninstall unless told otherwise', async () => {
    const kept = async (values: Values) =>
      (await render(values))
        .filter(
          ({ metadata }) => at(metadata, 'annotations')?.['helm.sh/resource-policy' as never] === 'keep',
        )
        .map(({ kind }) => kind)
    expect(await kept({})).to.deep.equal([
      'PersistentVolumeClaim',
      'CustomResourceDefinition',
      'CustomResourceDefinition',
    ])
    expect(await kept({ crds: { keep: false }, storage: { pvc: { keep: false } } })).to.deep.equal([])
  })

  it('is installed a second time without names of the cluster that the first one has', async () => {
    const cluster = (objects: readonly Rendered[]) =>
      objects
        .filter(({ metadata }) => metadata.namespace === undefined)
        .map(({ kind, metadata: { name } }) => `${kind} ${name}`)
    const both = { ...everything, storage: { type: 'hostPath' } }
    const first = cluster(await render({ ...both, watchNamespaces: ['site-a'] }))
    const second = cluster(
      await render(
        {
          ...both,
          watchNamespaces: ['site-b'],
          crds: { enabled: false },
          rbac: { aggregateClusterRoles: false },
          priorityClass: { create: false },
        },
        { namespace: 'ekya-b' },
      ),
    )
    expect(second).not.to.deep.equal([])
    expect(second.filter(name => first.includes(name))).to.deep.equal([])
  })

  it('never runs two operators at once without an election', async () => {
    const [deployment] = await render(
      { operator: { leaderElection: { enabled: false } } },
      { only: ['templates/operator-deployment.yaml'] },
    )
    expect(at(deployment, 'spec.strategy')).to.deep.equal({ type: 'Recreate' })
  })

  it('never ends a node agent by itself, and with it the clients of its GPUs', async () => {
    const agents = (await render(everything)).filter(({ kind }) => kind === 'DaemonSet')
    expect(agents.map(agent => at(agent, 'spec.updateStrategy'))).to.deep.equal([{ type: 'OnDelete' }])
  })

  describe("the storage in the operator's pod", () => {
    const storageOf = async (values: Values) => {
      const pod = await operatorPod(values)
      const named = (path: string) =>
        (at(pod, path) as readonly { readonly name: string }[]).filter(({ name }) => name === 'storage')
      return [...named('volumes'), ...named('containers.0.volumeMounts')]
    }
    const mount = { name: 'storage', mountPath: '/storage', readOnly: true }
    for (const { values, want } of [
      { values: {}, want: [] },
      {
        values: { operator: { mountStorage: true }, storage: { pvc: { name: 'mine' } } },
        want: [{ name: 'storage', persistentVolumeClaim: { claimName: 'mine' } }, mount],
      },
      {
        values: { operator: { mountStorage: true }, storage: { type: 'hostPath' } },
        want: [{ name: 'storage', hostPath: { path: '/var/lib/ekya' } }, mount],
      },
      {
        values: { operator: { mountStorage: true }, watchNamespaces: ['site-a', 'ekya-system'] },
        want: [{ name: 'storage', persistentVolumeClaim: { claimName: 'ekya-storage' } }, mount],
      },
    ])
      it(`of ${JSON.stringify(values)}`, async () => {
        expect(await storageOf(values)).to.deep.equal(want)
      })

    it('is refused where the claim would be in other namespaces only', async () => {
      const refusal = await storageOf({ operator: { mountStorage: true }, watchNamespaces: ['site-a'] }).then(
        () => '',
        (error: Error) => error.message,
      )
      expect(refusal).to.include('needs the claim ekya-storage in the namespace ekya-system')
    })
  })

  describe("the node agent's volumes", () => {
    for (const { values, want } of [
      {
        values: { shmFolder: '/run/ekya/shm' },
        want: [
          '/dev/shm',
          '/run/ekya/mps',
          '/tmp',
          '/var/lib/ekya/curves',
          '/var/lib/kubelet/device-plugins',
        ],
      },
      {
        values: {},
        want: ['/run/ekya/mps', '/tmp', '/var/lib/ekya/curves', '/var/lib/kubelet/device-plugins'],
      },
      {
        values: { allocation: 'node-status' },
        want: ['/run/ekya/mps', '/tmp', '/var/lib/ekya/curves'],
      },
    ])
      it(`of ${JSON.stringify(values)}`, async () => {
        const objects = await render(
          { gpu: { enabled: true }, nodeAgent: values },
          { only: ['templates/node-agent.yaml'] },
        )
        const pod = podOf(objects.find(({ kind }) => kind === 'DaemonSet')!)
        const mounts = at(pod, 'containers.0.volumeMounts') as readonly {
          readonly name: string
          readonly mountPath: string
        }[]
        expect(mounts.map(({ mountPath }) => mountPath).sort()).to.deep.equal(want)
        expect(mounts.map(({ name }) => name).sort()).to.deep.equal(
          (pod.volumes as readonly { readonly name: string }[]).map(({ name }) => name).sort(),
        )
        const status = objects.flatMap(
          ({ rules = [] }) => rules as readonly { readonly resources: readonly string[] }[],
        )
        expect(status.some(({ resources }) => resources.includes('nodes/status'))).to.equal(
          values.allocation === 'node-status',
        )
      })
  })

  it('selects with labels that an upgrade does not change', async () => {
    const objects = await render({ commonLabels: { team: 'edge' }, operator: { podLabels: { a: 'b' } } })
    const labels = {
      'app.kubernetes.io/name': 'ekya',
      'app.kubernetes.io/instance': 'ekya',
      'app.kubernetes.io/component': 'operator',
    }
    const deployment = objects.find(({ kind }) => kind === 'Deployment')
    expect(at(deployment, 'spec.selector.matchLabels')).to.deep.equal(labels)
    expect(at(deployment, 'spec.template.metadata.labels')).to.deep.equal({ ...labels, a: 'b', team: 'edge' })
    expect(
      at(
        objects.find(({ kind }) => kind === 'Service'),
        'spec.selector',
      ),
    ).to.deep.equal(labels)
  })

  it('lets a NetworkPolicy be opened for monitoring', async () => {
    const from = [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } } }]
    const [operator, workers] = await render(
      { networkPolicy: { enabled: true, from } },
      { only: ['templates/networkpolicy.yaml'] },
    )
    expect(at(operator, 'spec.ingress.0.from')).to.deep.equal([{ podSelector: {} }, ...from])
    expect(at(workers, 'spec.ingress.0.from.1')).to.deep.equal(from[0])
    expect(at(workers, 'spec.podSelector.matchLabels')).to.deep.equal({
      'app.kubernetes.io/managed-by': 'ekya-operator',
    })
  })

  it('closes the node agents by the same rules as the operator', async () => {
    const from = [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } } }]
    const policies = await render(
      { networkPolicy: { enabled: true, from }, gpu: { enabled: true } },
      { only: ['templates/networkpolicy.yaml'] },
    )
    const [operator, agents] = ['ekya-operator', 'ekya-node-agent'].map(name =>
      policies.find(({ metadata }) => metadata.name === name),
    )
    expect(at(agents, 'spec.ingress')).to.deep.equal(at(operator, 'spec.ingress'))
    const [daemonSet] = (await render({ gpu: { enabled: true } })).filter(({ kind }) => kind === 'DaemonSet')
    expect(at(agents, 'spec.podSelector.matchLabels')).to.deep.equal(
      at(daemonSet, 'spec.selector.matchLabels'),
    )
    expect(at(agents, 'metadata.namespace')).to.equal(at(daemonSet, 'metadata.namespace'))
  })

  describe('names', () => {
    for (const { release, values, want } of [
      { release: 'ekya', values: {}, want: 'ekya-operator' },
      { release: 'site', values: {}, want: 'site-ekya-operator' },
      { release: 'site', values: { nameOverride: 'x' }, want: 'site-x-operator' },
      { release: 'site', values: { fullnameOverride: 'edge' }, want: 'edge-operator' },
      { release: 'a'.repeat(53), values: {}, want: `${'a'.repeat(40)}-operator` },
    ])
      it(`${release} ${JSON.stringify(values)}`, async () => {
        const [deployment] = await render(values, { release, only: ['templates/operator-deployment.yaml'] })
        expect(deployment?.metadata.name).to.equal(want)
      })
  })

  describe('notes', () => {
    for (const { values, want } of [
      { values: {}, want: [] },
      { values: { storage: { type: 'hostPath' } }, want: ['is a folder of each node'] },
      { values: { crds: { enabled: false } }, want: ['apply them before every upgrade'] },
      { values: { crds: { keep: false } }, want: ['uninstalling deletes all CameraStreams'] },
      { values: { operator: { leaderElection: { enabled: false } } }, want: ['a second operator'] },
      { values: { gpu: { enabled: true } }, want: [] },
      { values: { gpu: { enabled: true }, sharing: { backend: 'cpu' } }, want: ['sharing.backend is cpu'] },
      { values: { gpu: { backend: 'kai' } }, want: ['the backend kai needs gpu.kaiQueue'] },
      { values: { sharing: { backend: 'kai' }, gpu: { kaiQueue: 'edge' } }, want: [] },
      { values: { rbac: { create: false } }, want: ['bind the service account ekya-operator'] },
      { values: { networkPolicy: { enabled: true } }, want: ['in the namespace ekya-system only'] },
    ])
      it(`of ${JSON.stringify(values)}`, async () => {
        const text = await notes(values)
        expect(text).to.include('helm test ekya --namespace ekya-system')
        const warnings = text.split('\n').filter(line => line.startsWith('WARNING'))
        expect(warnings).to.have.length(want.length)
        for (const [i, words] of want.entries()) expect(warnings[i]).to.include(words)
      })
  })

  it('refuses a cluster that cannot resize pods in place', async () => {
    await render({}, { kubeVersion: '1.33.0' })
    const refusal = await render({}, { kubeVersion: '1.32.9' }).then(
      () => '',
      (error: Error) => error.message,
    )
    expect(refusal).to.include('requires kubeVersion: >=1.33.0')
  })
})

/** `--flag=value` and `--no-flag` by the names that the parser with these options gives them. */
function flagsOf(
  args: readonly string[],
  options: readonly Option<unknown>[],
): Record<string, string | string[] | boolean> {
  const flags: Record<string, string | string[] | boolean> = {}
  for (const argument of args) {
    const [, no, flag, value] = /^--(no-)?([a-z-]+)(?:=(.*))?$/.exec(argument) ?? []
    const option = options.find(known => known.flag === flag)
    if (option === undefined) throw new Error(`${argument}: there is no such flag`)
    if (option.repeatable)
      flags[option.name] = [...((flags[option.name] as string[] | undefined) ?? []), value!]
    else flags[option.name] = no ? false : (value ?? true)
  }
  return flags
}
