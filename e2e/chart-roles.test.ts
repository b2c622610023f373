/**
 * The operator with the rights that the chart gives it, and no others: two windows of a site go through, nothing is refused, and
 * nothing is granted that is not used. On the way, what Prometheus and `helm test` see of a live site.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { KubeConfig } from '@kubernetes/client-node'
import { expect } from 'chai'
import { ensureHelm } from '../hack/chart/helm.ts'
import { ensurePromtool } from '../hack/chart/promtool.ts'
import { type Rendered, render } from '../hack/chart/render.ts'
import {
  type Access,
  accessOf,
  allows,
  grants,
  type PolicyRule,
  tokenOf,
  writeAccess,
} from '../hack/chart/testing/access.ts'
import { metricsIn, nodeAgentMetrics } from '../hack/chart/testing/metrics-in.ts'
import { objectPaths } from '../hack/chart/testing/paths.ts'
import { type ApiServer, waitFor } from '../hack/testing/api-server.ts'
import { sceneClasses, useSite } from './support/site.ts'

const chart = fileURLToPath(new URL('../charts/ekya/', import.meta.url))
const templates = ['operator-serviceaccount', 'operator-rbac', 'tests/check'].map(
  name => `templates/${name}.yaml`,
)

describe("the operator with the chart's roles", function () {
  this.timeout(240_000)
  const progress = (line: string) => void process.stderr.write(`  ${line}\n`)
  let objects: readonly Rendered[] = []

  // Before the hooks of the site, which start the operator.
  before(async function () {
    this.timeout(30 * 60_000)
    await ensureHelm(progress)
    await ensurePromtool(progress)
  })

  const site = useSite({
    namespaced: true,
    async operatorAccess(api: ApiServer, folder) {
      const namespace = api.namespace()
      const values = { watchNamespaces: [namespace] }
      objects = (await render(values, { namespace, only: templates })).filter(({ kind }) => kind !== 'Pod')
      const pathOf = objectPaths(api.client())
      for (const object of objects)
        await api.client().patch(`${await pathOf(object)}?fieldManager=test&force=true`, 'apply', object)
      return writeAccess(api, await tokenOf(api, 'ekya-operator'), join(folder, 'operator.kubeconfig'))
    },
  })

  const rules = (): readonly PolicyRule[] =>
    objects
      .filter(({ kind, metadata }) => /^(Cluster)?Role$/.test(kind) && metadata.name !== 'ekya-test')
      .flatMap(role => role.rules as readonly PolicyRule[])
  const calls = (): readonly Access[] =>
    site.proxy().requests.map(({ method, path, watch }) => accessOf(method, path, watch))
  const page = async (url: string): Promise<string> => (await fetch(`${url}/metrics`)).text()
  let live = ''
  let worker = ''

  it('goes through two windows', async () => {
    // A pod that cannot be made for a while is told in one event, which is counted up.
    const refusal = {
      kind: 'Status',
      apiVersion: 'v1',
      status: 'Failure',
      reason: 'Invalid',
      code: 422,
      message: 'no',
    }
    site
      .proxy()
      .inject(
        { kind: 'status', status: 422, body: refusal },
        ({ method, path }) => method === 'POST' && path.endsWith('/pods'),
        3,
      )
    await site.camera('cam-0', {
      source: { scene: { seed: 1 } },
      frameRate: 15,
      classes: sceneClasses,
      model: { uri: 'initial/student.onnx' },
      minAccuracy: 0.1,
    })
    await site.window('site', {
      streamSelector: { matchLabels: { site: 'a' } },
      duration: '20s',
      labeling: { maxSamples: 60, share: 0.5 },
      retraining: {
        minGain: 0,
        configurations: [
          { name: 'all-2', epochs: 2, batchSize: 16, learningRate: 0.01, trainableLayers: 'all' },
        ],
      },
    })
    await waitFor(
      async () => {
        site.check()
        live = await page(site.operator().url)
        // A window that was planned and measured: not the first, and on a slow machine not every one.
        return /^ekya_profile_error_ratio\{/m.test(live)
      },
      { deadlineMs: 200_000, intervalMs: 250, describe: 'a planned window to be measured' },
    )
    interface Pod {
      readonly status: { readonly podIP: string }
    }
    const pod = await site.api
      .client()
      .get<Pod>(`/api/v1/namespaces/${site.api.namespace()}/pods/cam-0-inference`)
    worker = await page(`http://${pod.status.podIP}:8080`)
  })

  it('is what `helm test` calls a working installation', async () => {
    const config = new KubeConfig()
    config.loadFromFile(site.api.kubeconfig())
    const folder = site.storage()
    await writeFile(join(folder, 'ca.crt'), Buffer.from(config.getCurrentCluster()!.caData!, 'base64'))
    await writeFile(join(folder, 'token'), await tokenOf(site.api, 'ekya-test'))
    const check = async (service: string, patience: number) => {
      const child = spawn(process.execPath, [join(chart, 'files/check.mjs')], {
        env: {
          EKYA_SERVICE: service,
          EKYA_NAMESPACE: site.api.namespace(),
          EKYA_LEASE: 'ekya-operator',
          EKYA_API: site.api.server(),
          EKYA_TOKEN_FILE: join(folder, 'token'),
          EKYA_PATIENCE_SECONDS: String(patience),
          NODE_EXTRA_CA_CERTS: join(folder, 'ca.crt'),
        },
      })
      const output = Promise.all([text(child.stdout), text(child.stderr)])
      const [status] = await once(child, 'exit')
      return { status, output: (await output).join('') }
    }
    const good = await check(site.operator().url, 10)
    expect(good.output.match(/^ok {4}/gm), good.output).to.have.length(5)
    expect(good.status).to.equal(0)
    const bad = await check('http://127.0.0.1:9', 0)
    expect(bad.output).to.include('FAIL  the operator is ready')
    expect(bad.status).to.equal(1)
  })

  it('tells Prometheus all that alerts and dashboard ask for', async () => {
    const there = new Set([...live.matchAll(/^([a-z_][a-z0-9_]*)[{ ]/gm)].map(([, name]) => name))
    const elsewhere = nodeAgentMetrics()
    for (const file of ['alerts.yaml', 'dashboard.json'])
      for (const name of metricsIn(await readFile(join(chart, 'files', file), 'utf8')))
        if (!elsewhere.has(name)) expect(there, `${name} of ${file}`).to.include(name)
    expect(live).to.match(/^ekya_windows_total\{.*result="planned"\} [1-9]/m)
    expect(live).to.match(/^ekya_stream_accuracy_floor_ratio\{.*\} 0\.1$/m)
  })

  for (const [of, read] of [
    ['the operator', () => live],
    ['a worker', () => worker],
  ] as const)
    it(`has metrics of ${of} that Prometheus' linter has nothing against`, async () => {
      const child = spawn(await ensurePromtool(), ['check', 'metrics'], { cwd: tmpdir() })
      const output = Promise.all([text(child.stdout), text(child.stderr)])
      child.stdin.end(read())
      const [status] = await once(child, 'exit')
      expect((await output).join('')).to.equal('')
      expect(status).to.equal(0)
    })

  it('is refused nothing', () => {
    expect(live).to.match(/^ekya_kube_requests_total\{verb="apply",status="200"\} [1-9]/m)
    expect(live).not.to.match(/^ekya_kube_requests_total\{verb="\w+",status="40[13]"\}/m)
    const uncovered = calls().filter(call => !rules().some(rule => allows(rule, call)))
    expect(uncovered).to.deep.equal([])
  })

  it('is granted nothing that it does not use', async () => {
    // Counts of events are written at the end at the latest.
    await site.operator().stop()
    const used = new Set(calls().map(({ group, resource, verb }) => `${group}/${resource} ${verb}`))
    expect(
      rules()
        .flatMap(grants)
        .filter(grant => !used.has(grant)),
    ).to.deep.equal([])
  })

  it('reaches no other namespace but for nodes', () => {
    const elsewhere = calls().filter(({ namespace }) => namespace !== site.api.namespace())
    expect(new Set(elsewhere.map(({ resource }) => resource))).to.deep.equal(new Set(['nodes']))
  })
})
