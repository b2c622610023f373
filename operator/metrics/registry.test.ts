import { readFile } from 'node:fs/promises'
import { expect } from 'chai'
import { definitions } from './definitions.ts'
import { metricsPage } from './document.ts'
import { createMetrics } from './registry.ts'

describe('metrics', () => {
  const create = () => createMetrics({ version: '0.0.0', defaults: false })
  /** Series of a metric as `{labels} value`, labels in order of definition. */
  const series = async ({ registry }: ReturnType<typeof create>, name: string) =>
    (await registry.metrics())
      .split('\n')
      .filter(line => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
      .map(line => line.slice(name.length).trim())

  const observation = {
    namespace: 'site',
    stream: 'cam-0',
    accuracy: { measured: 0.7, predicted: 0.8 },
    accuracyFloor: 0.6,
    shares: [
      { role: 'inference', node: 'edge-1', gpu: '0', share: 0.4 },
      { role: 'training', node: 'edge-1', gpu: '0', share: 0.5 },
    ],
    latencySeconds: { p50: 0.01, p95: 0.03 },
  } as const

  it('has every definition and no more', async () => {
    const names = (await create().registry.getMetricsAsJSON()).map(({ name }) => name)
    expect(names.sort()).to.deep.equal(Object.keys(definitions).sort())
  })

  it('keeps the names to one form', () => {
    for (const [name, { type }] of Object.entries(definitions)) {
      expect(name).to.match(/^ekya_[a-z_]+$/)
      expect(name.endsWith('_total'), name).to.equal(type === 'counter')
    }
  })

  it('drops series of what is no longer observed', async () => {
    const metrics = create()
    metrics.observeStream(observation)
    metrics.observeStream({ ...observation, accuracy: { measured: 0.6 }, shares: [observation.shares[0]] })
    expect(await series(metrics, 'ekya_stream_accuracy_ratio')).to.deep.equal([
      '{namespace="site",stream="cam-0",kind="measured"} 0.6',
    ])
    expect(await series(metrics, 'ekya_stream_gpu_share_ratio')).to.deep.equal([
      '{namespace="site",stream="cam-0",role="inference",node="edge-1",gpu="0"} 0.4',
    ])
  })

  it('adds up what windows hold of a GPU, and leaves the others what they hold', async () => {
    const metrics = create()
    const name = 'ekya_gpu_share_allocated_ratio'
    const [first, shared] = [0.4, 0.75].map((allocated, i) => ({
      node: 'edge-1',
      gpu: `${i}`,
      allocated,
      fault: i === 0,
    }))
    metrics.observeGpus('site', 'a', [first!, shared!])
    metrics.observeGpus('site', 'b', [{ ...shared!, allocated: 0.5 }])
    metrics.observeGpus('site', 'c', [{ ...first!, node: 'edge-2' }])
    expect(await series(metrics, name)).to.deep.equal([
      '{node="edge-1",gpu="0"} 0.4',
      '{node="edge-1",gpu="1"} 1.25',
      '{node="edge-2",gpu="0"} 0.4',
    ])
    expect(await series(metrics, 'ekya_gpu_fault')).to.deep.equal([
      '{node="edge-1",gpu="0"} 1',
      '{node="edge-1",gpu="1"} 0',
      '{node="edge-2",gpu="0"} 1',
    ])
    metrics.forgetWindow('site', 'a')
    expect(await series(metrics, 'ekya_gpu_fault')).to.have.lengthOf(2)
    expect(await series(metrics, name)).to.have.members([
      '{node="edge-1",gpu="1"} 0.5',
      '{node="edge-2",gpu="0"} 0.4',
    ])
  })

  it('leaves nothing of a stream that has gone, and everything of the others', async () => {
    const metrics = create()
    metrics.observeStream(observation)
    metrics.observeStream({ ...observation, stream: 'cam-1' })
    const frames = { offered: 5, analysed: 3, skipped: 1, dropped: 1 }
    metrics.observeFrames('site', 'cam-0', 'uid', frames)
    metrics.forgetStream('site', 'cam-0')
    const text = await metrics.registry.metrics()
    expect(text).not.to.include('"cam-0"')
    expect(text.match(/"cam-1"/g)).to.have.length(7)
  })

  it('adds frames up over restarts of the pod and over two that hand over', async () => {
    const metrics = create()
    const at = (analysed: number) => ({ offered: analysed, analysed, skipped: 0, dropped: 0 })
    metrics.observeFrames('site', 'cam-0', 'first', at(10))
    metrics.observeFrames('site', 'cam-0', 'first', at(25))
    metrics.observeFrames('site', 'cam-0', 'second', at(4))
    metrics.observeFrames('site', 'cam-0', 'first', at(26))
    expect((await series(metrics, 'ekya_frames_total'))[0]).to.equal(
      '{namespace="site",stream="cam-0",result="analysed"} 30',
    )
  })

  it('shows one phase at a time', async () => {
    const metrics = create()
    const phases = ['Labeling', 'Retraining']
    const window = { namespace: 'site', name: 'main', phases }
    metrics.observeWindow({ ...window, phase: 'Labeling' })
    metrics.observeWindow({ ...window, phase: 'Retraining', accuracyGain: -0.1 })
    expect(await series(metrics, 'ekya_window_phase')).to.deep.equal([
      '{namespace="site",retraining_window="main",phase="Labeling"} 0',
      '{namespace="site",retraining_window="main",phase="Retraining"} 1',
    ])
    metrics.forgetWindow('site', 'main')
    expect(await metrics.registry.metrics()).not.to.include('"main"')
  })

  it('counts windows that ended, from zero on, and forgets them with their resource', async () => {
    const metrics = create()
    const window = { namespace: 'site', name: 'main', phases: ['Labeling'], phase: 'Labeling' }
    metrics.observeWindow(window)
    metrics.windowsEnded('site', 'main', 'missed', 2)
    metrics.observeWindow(window)
    expect(await series(metrics, 'ekya_windows_total')).to.deep.equal([
      '{namespace="site",retraining_window="main",result="planned"} 0',
      '{namespace="site",retraining_window="main",result="missed"} 2',
    ])
    metrics.forgetWindow('site', 'main')
    expect(await series(metrics, 'ekya_windows_total')).to.deep.equal([])
  })

  it('leaves out the gauges of prom-client that linters take for counters', async () => {
    const text = await createMetrics({ version: '0.0.0' }).registry.metrics()
    expect(text).to.match(/^nodejs_eventloop_lag_p99_seconds /m)
    const gauges = [...text.matchAll(/^# TYPE (\S+) gauge$/gm)].map(([, name]) => name)
    expect(gauges.filter(name => name?.endsWith('_total'))).to.deep.equal([])
  })

  it('counts what the rest of the operator reports', async () => {
    const metrics = create()
    const queue = metrics.workqueue('camera-stream')
    queue.onAdd()
    queue.onDepth(1)
    queue.onStarted(0.002)
    queue.onDone(0.01)
    metrics.reconciled('camera-stream', 'success', 0.01)
    metrics.resized('cpu', 'done')
    metrics.resizeActuated('cpu', 0.3)
    metrics.scheduled('thief', 0.004)
    metrics.retrained('accepted', 12)
    metrics.kubeRequest('PATCH', 200)
    metrics.setLeader(true)
    metrics.observeSilence(new Map([['nodes', 61_500]]), 1500)
    for (const reason of ['start', 'status-410', 'status-410'] as const) metrics.listed('pods', reason)
    expect(await series(metrics, 'ekya_workqueue_adds_total')).to.deep.equal(['{name="camera-stream"} 1'])
    expect(await series(metrics, 'ekya_resize_duration_seconds_sum')).to.deep.equal(['{backend="cpu"} 0.3'])
    expect(await series(metrics, 'ekya_leader')).to.deep.equal(['1'])
    expect(await series(metrics, 'ekya_watch_silent_seconds')).to.deep.equal(['{resource="nodes"} 61.5'])
    expect(await series(metrics, 'ekya_watch_lists_total')).to.deep.equal([
      '{resource="pods",reason="start"} 1',
      '{resource="pods",reason="status-410"} 2',
      '{resource="pods",reason="in-band-410"} 0',
      '{resource="pods",reason="silence"} 0',
    ])
    expect(await series(metrics, 'ekya_leader_election_silent_seconds')).to.deep.equal(['1.5'])
  })

  it('is documented as it is', async () => {
    const page = await readFile(new URL('../../docs/metrics.md', import.meta.url), 'utf8')
    expect(page, 'run: npx node operator/metrics/document.ts > docs/metrics.md').to.equal(metricsPage())
  })
})
