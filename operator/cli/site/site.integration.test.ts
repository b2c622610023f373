/** The commands for a running site against a real API server. */
import { execFile } from 'node:child_process'
import { chmod, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gunzipSync } from 'node:zlib'
import { expect } from 'chai'
import { extract } from 'tar-stream'
import { parse } from 'yaml'
import { findBinaries } from '../../../hack/control-plane/binaries.ts'
import { useApiServer } from '../../../hack/testing/api-server.ts'
import type { CameraStream, CameraStreamStatus, RetrainingWindow } from '../../api/generated/types.ts'
import { gpuInventoryAnnotation } from '../../api/gpu-inventory.ts'
import { apiVersion, managedByLabel, managedByValue, roleLabel, streamLabel } from '../../api/names.ts'
import { openRetrain, rollbackOf } from '../../api/requests.ts'
import { runEkya } from '../testing/run-ekya.ts'

const [first, second, third] = ['a1', 'b2', 'c3'].map(pair => pair.repeat(32)) as [string, string, string]
const secret = 'hunter2-very-secret'

describe('commands for a running site', function () {
  this.timeout(60_000)
  const api = useApiServer({ crds: true })
  let folder: string
  const path = (plural: string, name = '') =>
    `/apis/${apiVersion}/namespaces/${api.namespace()}/${plural}${name === '' ? '' : `/${name}`}`
  const ekya = (...args: string[]) =>
    runEkya([...args, '--kubeconfig', api.kubeconfig(), '-n', api.namespace()])
  const camera = (name: string) => api.client().get<CameraStream>(path('camerastreams', name))
  const window = () => api.client().get<RetrainingWindow>(path('retrainingwindows', 'main'))
  const writeStatus = (plural: string, name: string, status: object) =>
    api.client().patch(`${path(plural, name)}/status`, 'merge', { status })

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ekya-site-'))
    const metadata = (name: string) => ({ name, namespace: api.namespace(), labels: { site: 'a' } })
    for (const name of ['cam-0', 'cam-1', 'stray'])
      await api.client().post(path('camerastreams'), {
        apiVersion,
        kind: 'CameraStream',
        metadata: metadata(name),
        spec: {
          source: { scene: { seed: 1 } },
          classes: ['car', 'bus'],
          model: { uri: 'models/first.onnx' },
        },
      })
    await api.client().post(path('retrainingwindows'), {
      apiVersion,
      kind: 'RetrainingWindow',
      metadata: metadata('main'),
      spec: {
        streamSelector: { matchLabels: { site: 'a' } },
        duration: '100s',
        retraining: {
          minGain: 0.05,
          configurations: [
            { name: 'all-5', epochs: 5, batchSize: 32, learningRate: 0.02, trainableLayers: 'all' },
          ],
        },
      },
    })
    const status: CameraStreamStatus = {
      window: { name: 'main', index: 3 },
      accuracy: { measured: 0.8123, withoutRetraining: 0.5, predicted: 0.83, window: 2 },
      allocation: { node: 'edge-0', gpu: '0', share: 0.3 },
      conditions: [
        {
          type: 'Ready',
          status: 'True',
          reason: 'Serving',
          message: 'served',
          lastTransitionTime: '2026-01-01T00:00:00Z',
        },
      ],
      model: {
        uri: `models/x/${third}.onnx`,
        digest: third,
        version: third.slice(0, 8),
        initialUri: 'models/first.onnx',
        initialDigest: first,
      },
      models: [
        {
          uri: `models/x/${third}.onnx`,
          digest: third,
          accuracy: 0.9,
          trainedInWindow: 2,
          servedSince: '2026-01-01T00:00:00Z',
        },
        { uri: `models/x/${second}.onnx`, digest: second, accuracy: 0.7, trainedInWindow: 1 },
        { uri: 'models/first.onnx', digest: first },
      ],
      decision: 'no retraining: best gain 1.0 points (all-5) is below the minimum of 5.0',
    }
    await writeStatus('camerastreams', 'cam-0', status)
    await writeStatus('camerastreams', 'cam-1', {
      window: { name: 'main', index: 3 },
      retraining: { configuration: 'all-5', share: 0.2 },
    })
    const item = { node: 'edge-0', gpu: '0', inferenceShare: 0.3, inferenceConfiguration: 'every-frame' }
    await writeStatus('retrainingwindows', 'main', {
      current: {
        index: 3,
        phase: 'Retraining',
        startedAt: '2026-01-01T00:00:00Z',
        endsAt: '2026-01-01T00:01:40Z',
      },
      plan: {
        window: 3,
        decidedAt: '2026-01-01T00:00:10Z',
        policy: 'thief',
        predictedAccuracy: 0.84,
        items: [
          { ...item, stream: 'cam-0', trainingShare: 0, state: 'None', reason: status.decision },
          {
            ...item,
            stream: 'cam-1',
            trainingShare: 0.2,
            retrainingConfiguration: 'all-5',
            state: 'Training',
          },
        ],
      },
      history: [{ index: 2, realised: 0.81, withoutRetraining: 0.5 }],
    })
    await profilePod()
  })
  after(() => rm(folder, { recursive: true, force: true }))

  /** As it stands when it has ended: its result in the termination message. */
  async function profilePod(): Promise<void> {
    const pods = `/api/v1/namespaces/${api.namespace()}/pods`
    const name = 'cam-0-profile-3'
    await api.client().post(pods, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name,
        labels: {
          [managedByLabel]: managedByValue,
          [streamLabel]: 'cam-0',
          [roleLabel]: 'profile',
          'ekya.dev/window': '3',
        },
      },
      spec: {
        automountServiceAccountToken: false,
        containers: [
          {
            name: 'worker',
            image: 'worker',
            env: [
              { name: 'RTSP_PASSWORD', value: secret },
              { name: 'URL', value: `rtsp://user:${secret}@10.0.0.7/main` },
            ],
          },
        ],
      },
    })
    const message = JSON.stringify({
      kind: 'profile',
      window: 3,
      samplesWindow: 2,
      labelled: 200,
      refused: 0,
      accuracy: { measured: 0.81, current: 0.82, initial: 0.5, validation: 0.82 },
      gpuSeconds: 2,
      profiles: [
        {
          configuration: 'all-5',
          points: [
            [0.1, 0.8],
            [0.2, 0.82],
            [0.3, 0.83],
          ],
          gpuSecondsPerEpoch: 0.8,
          setupGpuSeconds: 0.5,
        },
      ],
    })
    await api.client().patch(`${pods}/${name}/status`, 'merge', {
      status: {
        phase: 'Succeeded',
        containerStatuses: [
          {
            name: 'worker',
            image: 'worker',
            imageID: '',
            ready: false,
            restartCount: 0,
            state: { terminated: { exitCode: 0, message } },
          },
        ],
      },
    })
  }

  it('status shows windows and streams', async () => {
    const { status, stdout } = await ekya('status')
    expect(status).to.equal(0)
    expect(stdout)
      .to.match(/WINDOW +PHASE +INDEX/)
      .and.match(/main +Retraining +3 +00:01:40 +1 of 2 +81\.0 +50\.0 +84\.0/)
    expect(stdout).to.match(/cam-0 +main +yes +c3c3c3c3 +81\.2 +50\.0 +83\.0 +30\.0/)
  })

  it('status and models print JSON and YAML', async () => {
    const json = JSON.parse((await ekya('status', '-o', 'json')).stdout)
    expect(json.streams[0]).to.include({ name: 'cam-0', served: 0.8123 })
    const yaml = parse((await ekya('models', 'cam-0', '-o', 'yaml')).stdout)
    expect(
      yaml.models.map((model: { digest: string; served: boolean }) => [model.digest, model.served]),
    ).to.deep.equal([
      [third, true],
      [second, false],
      [first, false],
    ])
  })

  it('explain tells what was estimated, decided, why, and what would change it', async () => {
    const { status, stdout } = await ekya('explain', 'cam-0')
    expect(status).to.equal(0)
    expect(stdout).to.contain('the model in use: 82.0 %')
    expect(stdout).to.match(/all-5 +\d\d\.\d +-?\d+\.\d +\d+\.\d/)
    expect(stdout).to.contain('no retraining: best gain 1.0 points')
    expect(stdout).to.contain('ekya retrain cam-0')
    expect((await ekya('explain', 'cam-1')).stdout).to.contain('nothing is needed: all-5 is being trained')
    expect((await ekya('explain', 'stray')).stdout).to.contain('spec.streamSelector')
  })

  it('retrain asks once, and only who can be retrained', async () => {
    const { status, stdout } = await ekya('retrain', 'cam-0')
    expect(status).to.equal(0)
    expect(stdout).to.contain('window 3 is planned again')
    expect(openRetrain(await camera('cam-0'))).to.match(/^20\d\d-/)
    expect((await ekya('retrain', 'cam-1')).stdout).to.contain('is being retrained already (all-5)')
    expect(openRetrain(await camera('cam-1'))).to.equal(undefined)
    const stray = await ekya('retrain', 'stray')
    expect([stray.status, stray.stderr]).to.satisfy(
      ([code, text]: [number, string]) => code === 1 && text.includes('belongs to no RetrainingWindow'),
    )
  })

  it('rollback goes to the model before, or to the one that is named', async () => {
    expect((await ekya('rollback', 'cam-0')).stdout).to.contain('b2b2b2b2b2b2 (trained in window 1)')
    expect(rollbackOf(await camera('cam-0'))?.digest).to.equal(second)
    expect((await ekya('rollback', 'cam-0', '--to', first.slice(0, 8))).stdout).to.contain('(deployed)')
    expect(rollbackOf(await camera('cam-0'))?.digest).to.equal(first)
    for (const [to, code, says] of [
      ['abcdef', 1, 'no model that was served begins with abcdef; accepted: b2b2b2b2b2b2'],
      [third, 1, 'already'],
      ['latest', 2, 'accepted: its first 6 to 64 hexadecimal digits'],
    ] as const) {
      const { status, stderr } = await ekya('rollback', 'cam-0', '--to', to)
      expect(status, to).to.equal(code)
      expect(stderr).to.contain(says)
    }
    expect((await ekya('rollback', 'stray')).stderr).to.contain('no other model')
  })

  it('pause and resume set spec.suspended of a stream or a window', async () => {
    expect((await ekya('pause', 'cam-0')).stdout).to.contain('paused: no inference')
    expect((await camera('cam-0')).spec.suspended).to.equal(true)
    expect((await ekya('retrain', 'cam-0')).stderr).to.contain('is paused; resume it first')
    expect((await ekya('resume', 'cam/cam-0')).stdout).to.contain('resumed')
    expect((await camera('cam-0')).spec.suspended).to.equal(false)
    expect((await ekya('pause', 'rw/main')).stdout).to.contain('inference goes on')
    expect((await window()).spec.suspended).to.equal(true)
    expect((await ekya('pause', 'rw/main')).stdout).to.contain('already')
    expect((await ekya('resume', 'rw/main')).status).to.equal(0)
    expect((await window()).spec.suspended).to.equal(false)
  })

  for (const [name, args, code, says] of [
    ['a stream that is not there', ['explain', 'cam-9'], 1, 'there are cam-0, cam-1, stray'],
    ['a kind that is not ours', ['pause', 'pod/cam-0'], 2, 'accepted: the NAME of a CameraStream'],
    ['an output that is not ours', ['models', 'cam-0', '-o', 'wide'], 2, 'accepted: table, json, yaml'],
    ['a context that is not there', ['status', '--context', 'moon'], 1, 'has no context "moon"; accepted: '],
    ['no stream', ['retrain'], 2, "missing required argument 'stream'"],
  ] as const)
    it(`says what is wrong with ${name}`, async () => {
      const { status, stderr } = await ekya(...args)
      expect(status).to.equal(code)
      expect(stderr).to.contain(says)
    })

  it('report says where it finds no operator', async () => {
    const file = join(folder, 'without.tar.gz')
    const { stderr } = await ekya('report', '--file', file)
    const says = 'operator: none of its pods is found'
    expect(stderr).to.contain(says)
    expect((await unpacked(file)).get('ekya-report/problems.txt')).to.contain(says)
  })

  it('report holds every operator and node agent, and what nodes say of their GPUs', async () => {
    const chartPod = async (name: string, component: string) => {
      const pods = `/api/v1/namespaces/${api.namespace()}/pods`
      await api.client().post(pods, {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: {
          name,
          labels: { 'app.kubernetes.io/name': 'ekya', 'app.kubernetes.io/component': component },
        },
        spec: { automountServiceAccountToken: false, containers: [{ name: 'main', image: 'ekya' }] },
      })
      await api.client().patch(`${pods}/${name}/status`, 'merge', {
        status: {
          containerStatuses: [{ name: 'main', image: 'ekya', imageID: '', ready: true, restartCount: 1 }],
        },
      })
    }
    await chartPod('ekya-operator-a', 'operator')
    await chartPod('ekya-operator-b', 'operator')
    await chartPod('ekya-node-agent-a', 'node-agent')
    await api.client().post('/api/v1/nodes', {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: {
        name: 'reported',
        annotations: { [gpuInventoryAnnotation]: 'two GPUs', 'example.org/note': 'private' },
      },
    })
    const file = join(folder, 'whole.tar.gz')
    const { stderr } = await ekya('report', '--file', file)
    await api.client().delete('/api/v1/nodes/reported')
    const files = await unpacked(file)
    const names = (part: string) =>
      (parse(files.get(`ekya-report/${part}.yaml`)!) as { metadata: { name: string } }[]).map(
        ({ metadata }) => metadata.name,
      )
    expect(names('operator-pods')).to.deep.equal(['ekya-operator-a', 'ekya-operator-b'])
    expect(names('node-agent-pods')).to.deep.equal(['ekya-node-agent-a'])
    expect(stderr).not.to.contain('none of its pods is found')
    // Nothing runs here: it is enough that the logs were asked for.
    for (const log of [
      'ekya-operator-a/main',
      'ekya-operator-b/main.previous',
      'ekya-node-agent-a/main.previous',
    ])
      expect([...files.keys()].some(key => key.endsWith(`${log}.log`)) || stderr.includes(log), log).to.equal(
        true,
      )
    const nodes = files.get('ekya-report/nodes.yaml')!
    expect(nodes).to.contain('two GPUs').and.not.contain('private')
  })

  it('report bundles what a bug report needs, and no secret', async () => {
    const file = join(folder, 'report.tar.gz')
    const { status, stdout } = await ekya('report', '--file', file)
    expect(status).to.equal(0)
    expect(stdout).to.contain('look through it')
    const files = await unpacked(file)
    expect([...files.keys()]).to.include.members(
      [
        'versions.yaml',
        'camerastreams.yaml',
        'retrainingwindows.yaml',
        'events.yaml',
        'worker-pods.yaml',
        'nodes.yaml',
        'crds/camerastreams.yaml',
        'problems.txt',
      ].map(name => `ekya-report/${name}`),
    )
    expect(parse(files.get('ekya-report/camerastreams.yaml')!)).to.have.length(3)
    const all = [...files.values()].join('\n')
    expect(all).to.contain('RTSP_PASSWORD').and.contain('rtsp://[removed]@10.0.0.7/main')
    expect(all).not.to.contain(secret)
    expect(all).not.to.contain('managedFields')
    expect(files.has('ekya-report/logs/workers/cam-0-profile-3/worker.log')).to.equal(true)
  })

  it('runs as a plugin of kubectl', async function () {
    const kubectl = (await findBinaries()).found.kubectl
    if (kubectl === undefined) return this.skip()
    const launcher = fileURLToPath(new URL('../launch.mjs', import.meta.url))
    await symlink(launcher, join(folder, 'kubectl-ekya'))
    const node = join(folder, 'node')
    await writeFile(node, `#!/bin/sh\nexec '${process.execPath}' "$@"\n`)
    await chmod(node, 0o755)
    const { stdout } = await promisify(execFile)(kubectl, ['ekya', 'status', '-n', api.namespace()], {
      env: { ...process.env, KUBECONFIG: api.kubeconfig(), PATH: `${folder}${delimiter}${process.env.PATH}` },
    })
    expect(stdout).to.contain('cam-0')
  })
})

async function unpacked(file: string): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  const archive = extract()
  archive.end(gunzipSync(await readFile(file)))
  for await (const entry of archive) {
    const chunks: Buffer[] = []
    for await (const chunk of entry) chunks.push(chunk as Buffer)
    found.set(entry.header.name, Buffer.concat(chunks).toString())
  }
  return found
}
