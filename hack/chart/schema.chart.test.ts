/** values.schema.json as helm applies it: what is accepted, and that every mistake is named by its place. */
import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { parse } from 'yaml'
import { backends } from '../../operator/sharing/backends/registry.ts'
import { gpuBackendNames } from '../../operator/sharing/gpu-options.ts'
import { leaves } from '../generate/chart.ts'
import { chartFolder, render, type Values } from './render.ts'
import { everything, nothing } from './testing/switches.ts'

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: unknown
  readonly allOf?: readonly Schema[]
}

const schema = JSON.parse(readFileSync(`${chartFolder}values.schema.json`, 'utf8')) as Schema
const defaults = parse(readFileSync(`${chartFolder}values.yaml`, 'utf8')) as Values

const refusalOf = (values: Values): Promise<string> =>
  render(values, { only: ['templates/service.yaml'] }).then(
    () => '',
    (error: Error) => error.message,
  )

describe("the chart's schema", function () {
  this.timeout(60_000)

  for (const [name, values] of Object.entries({ everything, nothing }))
    it(`accepts ${name}`, async () => expect(await refusalOf(values)).to.equal(''))

  /** `at`: what the message must name. */
  const table: readonly { name: string; values: Values; at: string }[] = [
    { name: 'an unknown value', values: { replicas: 2 }, at: 'replicas' },
    { name: 'an unknown value below', values: { operator: { replicaCount: 2 } }, at: 'replicaCount' },
    { name: 'a misspelt switch', values: { crds: { enable: true } }, at: 'enable' },
    { name: 'no operator', values: { operator: { replicas: 0 } }, at: '/operator/replicas' },
    { name: 'three operators', values: { operator: { replicas: 3 } }, at: '/operator/replicas' },
    { name: 'replicas as text', values: { operator: { replicas: '2' } }, at: '/operator/replicas' },
    {
      name: 'two operators without election',
      values: { operator: { replicas: 2, leaderElection: { enabled: false } } },
      at: '/operator/leaderElection/enabled',
    },
    {
      name: 'an image with its tag',
      values: { operator: { image: { repository: 'ekya:1' } } },
      at: '/operator/image/repository',
    },
    { name: 'a tag with a blank', values: { worker: { image: { tag: 'a b' } } }, at: '/worker/image/tag' },
    {
      name: 'half a digest',
      values: { worker: { image: { digest: 'sha256:12' } } },
      at: '/worker/image/digest',
    },
    {
      name: 'an unknown pull policy',
      values: { operator: { image: { pullPolicy: 'Sometimes' } } },
      at: '/operator/image/pullPolicy',
    },
    {
      name: 'an unknown level of logs',
      values: { operator: { logLevel: 'trace' } },
      at: '/operator/logLevel',
    },
    { name: 'a negative seed', values: { operator: { seed: -1 } }, at: '/operator/seed' },
    {
      name: 'no memory limit',
      values: { operator: { resources: { limits: { memory: null } } } },
      at: '/operator/resources/limits',
    },
    {
      name: 'a memory limit with a fraction',
      values: { operator: { resources: { limits: { memory: '0.5Gi' } } } },
      at: '/operator/resources/limits/memory',
    },
    {
      name: 'a heap above the limit',
      values: { operator: { heapPercent: 120 } },
      at: '/operator/heapPercent',
    },
    { name: 'root', values: { operator: { runAsUser: 0 } }, at: '/operator/runAsUser' },
    {
      name: 'a grace period too short to hand the Lease back',
      values: { operator: { terminationGracePeriodSeconds: 1 } },
      at: '/operator/terminationGracePeriodSeconds',
    },
    {
      name: 'an environment variable without a name',
      values: { operator: { extraEnv: [{ value: 'x' }] } },
      at: '/operator/extraEnv/0',
    },
    { name: 'a namespace in capitals', values: { watchNamespaces: ['Site-A'] }, at: '/watchNamespaces/0' },
    { name: 'a namespace twice', values: { watchNamespaces: ['a', 'a'] }, at: '/watchNamespaces' },
    { name: 'one namespace as text', values: { watchNamespaces: 'a' }, at: '/watchNamespaces' },
    {
      name: 'an unknown backend',
      values: { sharing: { backend: 'mpss' } },
      at: '/sharing/backend',
    },
    {
      name: "a label that is the chart's own, which would be there twice and hide pods from monitors",
      values: { commonLabels: { 'app.kubernetes.io/name': 'x' } },
      at: '/commonLabels/app.kubernetes.io~1name',
    },
    {
      name: "a label of pods that is the chart's own",
      values: { operator: { podLabels: { 'app.kubernetes.io/component': 'x' } } },
      at: '/operator/podLabels/app.kubernetes.io~1component',
    },
    { name: 'a lone argument', values: { operator: { extraArgs: ['seed=1'] } }, at: '/operator/extraArgs/0' },
    {
      name: 'a toleration of everything',
      values: { worker: { tolerations: [{ operator: 'Exists' }] } },
      at: '/worker/tolerations/0',
    },
    {
      name: 'a toleration that ends',
      values: { worker: { tolerations: [{ key: 'a', tolerationSeconds: 5 }] } },
      at: 'tolerationSeconds',
    },
    { name: 'an unknown storage', values: { storage: { type: 's3' } }, at: '/storage/type' },
    {
      name: 'a relative folder',
      values: { storage: { hostPath: { path: 'data' } } },
      at: '/storage/hostPath/path',
    },
    {
      name: 'the root as folder',
      values: { storage: { hostPath: { path: '/' } } },
      at: '/storage/hostPath/path',
    },
    { name: 'a size that is none', values: { storage: { pvc: { size: 'big' } } }, at: '/storage/pvc/size' },
    {
      name: 'an unknown access mode',
      values: { storage: { pvc: { accessMode: 'RWO' } } },
      at: '/storage/pvc/accessMode',
    },
    { name: 'a port out of range', values: { service: { port: 70_000 } }, at: '/service/port' },
    {
      name: 'a label that Kubernetes refuses',
      values: { commonLabels: { a: 'b c' } },
      at: '/commonLabels/a',
    },
    { name: 'a label that is no text', values: { commonLabels: { a: true } }, at: '/commonLabels/a' },
    {
      name: 'an interval without a unit',
      values: { metrics: { serviceMonitor: { interval: '30' } } },
      at: '/metrics/serviceMonitor/interval',
    },
    {
      name: 'a threshold in per cent',
      values: { metrics: { prometheusRule: { thresholds: { droppedFrames: 5 } } } },
      at: '/metrics/prometheusRule/thresholds/droppedFrames',
    },
    {
      name: 'an unknown threshold',
      values: { metrics: { prometheusRule: { thresholds: { latency: 5 } } } },
      at: 'latency',
    },
    {
      name: 'an address of runbooks without a scheme',
      values: { metrics: { prometheusRule: { runbookUrl: 'runbooks' } } },
      at: '/metrics/prometheusRule/runbookUrl',
    },
    {
      name: 'no port of the API server',
      values: { networkPolicy: { apiServerPorts: [] } },
      at: '/networkPolicy/apiServerPorts',
    },
    {
      name: 'a priority that is reserved',
      values: { priorityClass: { value: 2_000_000_000 } },
      at: '/priorityClass/value',
    },
    {
      name: 'arguments as one text',
      values: { nodeAgent: { extraArgs: '--x' } },
      at: '/nodeAgent/extraArgs',
    },
    {
      name: 'a lone argument of the node agent',
      values: { nodeAgent: { extraArgs: ['interval=5'] } },
      at: '/nodeAgent/extraArgs/0',
    },
    { name: 'an unknown backend of GPUs', values: { gpu: { backend: 'cuda' } }, at: '/gpu/backend' },
    { name: 'no cpu for pods on GPUs', values: { gpu: { podCpu: '0' } }, at: '/gpu/podCpu' },
    { name: 'memory in words', values: { gpu: { podMemory: 'much' } }, at: '/gpu/podMemory' },
    {
      name: 'a resource without a domain',
      values: { gpu: { units: { resource: 'gpu' } } },
      at: '/gpu/units/resource',
    },
    { name: 'two units a GPU', values: { gpu: { units: { perGpu: 2 } } }, at: '/gpu/units/perGpu' },
    { name: 'a hundred slices', values: { gpu: { slices: { perGpu: 100 } } }, at: '/gpu/slices/perGpu' },
    { name: 'a switch as text', values: { gpu: { enabled: 'yes' } }, at: '/gpu/enabled' },
  ]
  for (const { name, values, at } of table)
    it(`refuses ${name}`, async () => {
      const message = await refusalOf(values)
      expect(message).to.include("values don't meet the specifications of the schema")
      expect(message).to.include(at)
    })

  it('accepts the backends that the operator has', () => {
    interface Enumeration {
      readonly enum: readonly string[]
    }
    const enumeration = (path: readonly string[]): readonly string[] =>
      (path.reduce<Schema>((part, key) => part.properties![key]!, schema) as unknown as Enumeration).enum
    const names = backends.map(({ name }) => name)
    expect(enumeration(['sharing', 'backend'])).to.have.members(['', 'all', ...names])
    expect(enumeration(['gpu', 'backend'])).to.have.members(['', ...gpuBackendNames])
  })

  it('refuses to leave out an alert that does not exist', async () => {
    const values = { metrics: { prometheusRule: { enabled: true, disabled: ['EkyaNothing'] } } }
    const message = await render(values).then(
      () => '',
      (error: Error) => error.message,
    )
    expect(message).to.include('there is no alert EkyaNothing')
  })

  it('is closed, and knows what values.yaml has and nothing else', () => {
    /** Leaves by path; what is Kubernetes' own counts as one. */
    const known = (part: Schema, path = ''): readonly string[] => {
      if (part.properties === undefined) return [path]
      expect(part.additionalProperties, path).to.equal(false)
      return Object.entries(part.properties).flatMap(([key, child]) =>
        known(child, path === '' ? key : `${path}.${key}`),
      )
    }
    const paths = known(schema).filter(path => path !== 'global')
    const covers = (path: string) => paths.some(one => path === one || path.startsWith(`${one}.`))
    expect(
      leaves(defaults).filter(path => !covers(path)),
      'missing in the schema',
    ).to.deep.equal([])
    const used = (one: string) => leaves(defaults).some(path => path === one || path.startsWith(`${one}.`))
    expect(
      paths.filter(path => !used(path)),
      'missing in values.yaml',
    ).to.deep.equal([])
  })
})
