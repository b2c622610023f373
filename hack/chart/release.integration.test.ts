/** The life of a release on a real control plane: installed, upgraded with streams there, and removed with and without its definitions. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { apiVersion } from '../../operator/api/names.ts'
import { useApiServer, waitFor } from '../testing/api-server.ts'
import { ensureHelm } from './helm.ts'
import { chartFolder, helm, type Values, withValues } from './render.ts'
import { monitoringCrds } from './testing/monitoring-crds.ts'
import { everything } from './testing/switches.ts'

const crds = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
const crdNames = ['camerastreams.ekya.dev', 'retrainingwindows.ekya.dev']

describe('a release of the chart', function () {
  this.timeout(120_000)
  const api = useApiServer({ own: ['kube-controller-manager'] })
  let home: string

  before(async function () {
    this.timeout(30 * 60_000)
    await ensureHelm(line => void process.stderr.write(`  ${line}\n`))
    home = await mkdtemp(join(tmpdir(), 'ekya-helm-'))
    for (const crd of monitoringCrds) await api.client().post(crds, crd)
    await waitFor(() => api.client().exists('/apis/monitoring.coreos.com/v1/prometheusrules'), {
      describe: 'the kinds of the Prometheus Operator',
    })
  })
  after(() => rm(home, { recursive: true, force: true }))

  const at = (...args: readonly string[]) =>
    helm([...args, '--kubeconfig', api.kubeconfig(), '--namespace', api.namespace()], home)
  // Without new values an upgrade keeps those of the last one.
  const install = (values: Values) =>
    withValues(values, file =>
      at('upgrade', '--install', 'ekya', chartFolder, '--reset-values', '--values', file),
    )
  const stream = () => `/apis/${apiVersion}/namespaces/${api.namespace()}/camerastreams/cam-0`
  const namespaced = (group: string, plural: string, name: string) => {
    const base = group === '' ? '/api/v1' : `/apis/${group}`
    return api.client().exists(`${base}/namespaces/${api.namespace()}/${plural}/${name}`)
  }
  interface Object {
    readonly metadata: { readonly uid: string; readonly generation: number }
  }

  it('is installed into an empty cluster, definitions included', async () => {
    expect(await install({})).to.include('STATUS: deployed')
    for (const name of crdNames)
      await waitFor(() => api.client().exists(`/apis/${apiVersion}/${name.split('.')[0]}`), {
        describe: name,
      })
    expect(await namespaced('apps/v1', 'deployments', 'ekya-operator')).to.equal(true)
  })

  it('gives people with the role edit the right to write streams', async () => {
    const review = (verb: string, group: string) => ({
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      spec: {
        user: 'somebody',
        groups: [group],
        resourceAttributes: {
          namespace: api.namespace(),
          verb,
          group: 'ekya.dev',
          resource: 'camerastreams',
        },
      },
    })
    const may = async (verb: string, group: string): Promise<boolean> => {
      type Review = { readonly status: { readonly allowed: boolean } }
      const path = '/apis/authorization.k8s.io/v1/subjectaccessreviews'
      return (await api.client().post<Review>(path, review(verb, group))).status.allowed
    }
    for (const role of ['view', 'edit'])
      await api
        .client()
        .post(`/apis/rbac.authorization.k8s.io/v1/namespaces/${api.namespace()}/rolebindings`, {
          metadata: { name: role },
          roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
          subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: role }],
        })
    await waitFor(() => may('create', 'edit'), { describe: 'the roles to be aggregated' })
    expect(await may('list', 'edit')).to.equal(true)
    expect(await may('list', 'view')).to.equal(true)
    expect(await may('create', 'view')).to.equal(false)
  })

  it('is upgraded to everything switched on, and leaves streams as they are', async () => {
    await api.client().post(stream().replace(/\/cam-0$/, ''), {
      apiVersion,
      kind: 'CameraStream',
      metadata: { name: 'cam-0' },
      spec: { source: { scene: { seed: 1 } }, classes: ['car', 'bus'], model: { uri: 'a.onnx' } },
    })
    const before = await api.client().get<Object>(stream())
    // A claim's class and modes cannot be changed, whoever asks.
    const { storage: _, ...rest } = everything
    expect(await install(rest)).to.include('STATUS: deployed')
    expect(await namespaced('policy/v1', 'poddisruptionbudgets', 'ekya-operator')).to.equal(true)
    expect(await namespaced('monitoring.coreos.com/v1', 'prometheusrules', 'ekya')).to.equal(true)
    expect(await api.client().get<Object>(stream())).to.deep.equal(before)
  })

  it('takes away what is switched off again', async () => {
    await install({})
    // Deletions are asked for, and not waited for.
    for (const [group, plural, name] of [
      ['policy/v1', 'poddisruptionbudgets', 'ekya-operator'],
      ['monitoring.coreos.com/v1', 'prometheusrules', 'ekya'],
    ] as const)
      await waitFor(async () => !(await namespaced(group, plural, name)), { describe: `${plural} to go` })
  })

  it('keeps definitions, streams and the claim when it is removed, and takes them up again', async () => {
    await at('uninstall', 'ekya')
    expect(await namespaced('apps/v1', 'deployments', 'ekya-operator')).to.equal(false)
    expect(await api.client().exists(stream())).to.equal(true)
    expect(await namespaced('', 'persistentvolumeclaims', 'ekya-storage')).to.equal(true)
    expect(await install({})).to.include('STATUS: deployed')
    expect(await api.client().exists(stream())).to.equal(true)
  })

  it('leaves nothing when it is told to', async () => {
    await install({ crds: { keep: false }, storage: { pvc: { keep: false } } })
    await at('uninstall', 'ekya')
    await waitFor(
      async () => {
        const left = await Promise.all(crdNames.map(name => api.client().exists(`${crds}/${name}`)))
        return !left.includes(true)
      },
      { describe: 'the definitions to go' },
    )
    interface List {
      readonly items: readonly { readonly metadata: { readonly name: string } }[]
    }
    const everywhere = [
      '/apis/rbac.authorization.k8s.io/v1/clusterroles',
      '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings',
      ...['serviceaccounts', 'services', 'configmaps', 'secrets'].map(
        plural => `/api/v1/namespaces/${api.namespace()}/${plural}`,
      ),
      `/apis/rbac.authorization.k8s.io/v1/namespaces/${api.namespace()}/roles`,
    ]
    for (const path of everywhere) {
      const { items } = await api.client().get<List>(path)
      expect(items.map(({ metadata }) => metadata.name).filter(name => name.includes('ekya'))).to.deep.equal(
        [],
      )
    }
  })
})
