/** Each alert of the chart, evaluated by promtool over made-up series: it fires when it should, and is silent when it should be. */
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { run } from '../control-plane/build.ts'
import { ensurePromtool } from './promtool.ts'
import { render, type Values } from './render.ts'

interface Rule {
  readonly alert: string
  readonly expr: string
  readonly for?: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
}

interface Groups {
  readonly groups: readonly { readonly name: string; readonly rules: readonly Rule[] }[]
}

/** A series and its values, one a minute, in promtool's short form. */
type Series = readonly [series: string, values: string]

interface Case {
  readonly name: string
  readonly series: readonly Series[]
  /** Minutes after which the rules are looked at. */
  readonly minutes?: number
  /** Labels that tell what the alert is about; absent: it must be silent. */
  readonly fires?: Readonly<Record<string, string>>
}

const up: Series = ['ekya_build_info{namespace="ekya-system",instance="a",version="1"}', '1x60']
const stream = 'namespace="site",stream="cam-0"'
const window = 'namespace="site",retraining_window="main"'
const about = {
  stream: { namespace: 'site', stream: 'cam-0' },
  window: { namespace: 'site', retraining_window: 'main' },
}
const gpu = { node: 'n', gpu: '0' }
/** Of 100 observations a minute, how many took up to 2.5, 5 and 10 s. */
const queue = (upTo2: number, upTo5: number, upTo10: number): readonly Series[] =>
  [
    ['2.5', upTo2],
    ['5', upTo5],
    ['10', upTo10],
    ['+Inf', 100],
  ].map(([le, count]) => [
    `ekya_workqueue_queue_duration_seconds_bucket{name="camera-stream",le="${le}"}`,
    `0+${count}x60`,
  ])
const reconciles = (errors: number): readonly Series[] => [
  ['ekya_reconcile_total{controller="camera-stream",result="success"}', `0+${100 - errors}x60`],
  ['ekya_reconcile_total{controller="camera-stream",result="error"}', `0+${errors}x60`],
]
const frames = (dropped: number): readonly Series[] => [
  [`ekya_frames_total{${stream},result="analysed"}`, `0+${1000 - dropped}x60`],
  [`ekya_frames_total{${stream},result="skipped"}`, '0x60'],
  [`ekya_frames_total{${stream},result="dropped"}`, `0+${dropped}x60`],
]
const accuracy = (measured: string, floor: string): readonly Series[] => [
  [`ekya_stream_accuracy_ratio{${stream},kind="measured"}`, measured],
  [`ekya_stream_accuracy_ratio{${stream},kind="predicted"}`, '0.1x60'],
  [`ekya_stream_accuracy_floor_ratio{${stream}}`, floor],
]

const cases: Readonly<Record<string, readonly Case[]>> = {
  EkyaOperatorDown: [
    { name: 'no operator', series: [], fires: { namespace: 'ekya-system' } },
    {
      name: 'an operator of another namespace only',
      series: [['ekya_build_info{namespace="other"}', '1x60']],
      fires: { namespace: 'ekya-system' },
    },
    { name: 'a restart', series: [['ekya_build_info{namespace="ekya-system"}', '1x15 _x3 1x60']] },
    { name: 'an operator', series: [up] },
  ],
  EkyaNoLeader: [
    {
      name: 'two followers',
      series: [
        ['ekya_leader{namespace="ekya-system",pod="a"}', '0x60'],
        ['ekya_leader{namespace="ekya-system",pod="b"}', '0x60'],
      ],
      fires: {},
    },
    {
      name: 'a leader and a follower',
      series: [
        ['ekya_leader{namespace="ekya-system",pod="a"}', '0x60'],
        ['ekya_leader{namespace="ekya-system",pod="b"}', '1x60'],
      ],
    },
    { name: 'a handing over', series: [['ekya_leader{namespace="ekya-system",pod="a"}', '1x18 0 1x60']] },
  ],
  EkyaReconcileErrors: [
    { name: 'every fifth fails', series: reconciles(20), fires: { controller: 'camera-stream' } },
    { name: 'every fiftieth fails', series: reconciles(2) },
  ],
  EkyaQueueAge: [
    { name: 'a tenth waits for more than 5 s', series: queue(80, 90, 100), fires: { name: 'camera-stream' } },
    { name: 'nearly all wait less', series: queue(100, 100, 100) },
  ],
  EkyaWorkerStuck: [
    {
      name: 'for ever longer',
      series: [['ekya_workqueue_unfinished_work_seconds{name="camera-stream"}', '0+60x60']],
      fires: { name: 'camera-stream' },
    },
    {
      name: 'never for long',
      series: [['ekya_workqueue_unfinished_work_seconds{name="camera-stream"}', '1x60']],
    },
  ],
  EkyaWatchSilent: [
    {
      name: 'on one replica for long',
      series: [
        ['ekya_watch_silent_seconds{resource="nodes",pod="a"}', '0+60x60'],
        ['ekya_watch_silent_seconds{resource="nodes",pod="b"}', '30x60'],
      ],
      fires: { resource: 'nodes' },
    },
    {
      name: 'between two bookmarks',
      series: [['ekya_watch_silent_seconds{resource="nodes",pod="a"}', '65x60']],
    },
  ],
  EkyaRelists: [
    {
      name: 'every minute',
      series: [['ekya_watch_lists_total{resource="nodes",reason="status-410"}', '0x2 0+1x60']],
      minutes: 60,
      fires: { resource: 'nodes' },
    },
    {
      name: 'many at once, as after a restart of the API server',
      series: [['ekya_watch_lists_total{resource="nodes",reason="status-410"}', '0x10 64x60']],
      minutes: 45,
    },
    {
      name: 'the first of each of many namespaces',
      series: [['ekya_watch_lists_total{resource="pods",reason="start"}', '0+1x60']],
      minutes: 60,
    },
  ],
  EkyaEventLoopDelay: [
    {
      name: 'late by 2 s',
      series: [up, ['nodejs_eventloop_lag_p99_seconds{namespace="ekya-system",instance="a"}', '2x60']],
      fires: { namespace: 'ekya-system', instance: 'a' },
    },
    {
      name: 'another program',
      series: [up, ['nodejs_eventloop_lag_p99_seconds{namespace="ekya-system",instance="b"}', '2x60']],
    },
    {
      name: 'in time',
      series: [up, ['nodejs_eventloop_lag_p99_seconds{namespace="ekya-system",instance="a"}', '0.02x60']],
    },
  ],
  EkyaWindowOverdue: [
    {
      name: 'ended 10 minutes ago',
      series: [[`ekya_window_end_timestamp_seconds{${window}}`, '600x60']],
      fires: about.window,
    },
    { name: 'ends later', series: [[`ekya_window_end_timestamp_seconds{${window}}`, '1800x60']] },
  ],
  EkyaWindowMissed: [
    {
      name: 'one was missed',
      series: [[`ekya_windows_total{${window},result="missed"}`, '0x10 1x60']],
      fires: about.window,
    },
    {
      name: 'some had passed when an operator came back',
      series: [
        [`ekya_windows_total{${window},result="missed",pod="a"}`, '0x5'],
        [`ekya_windows_total{${window},result="missed",pod="b"}`, '_x9 3x60'],
      ],
      fires: about.window,
    },
    {
      name: 'some had passed when an operator came back, long ago',
      series: [[`ekya_windows_total{${window},result="missed",pod="b"}`, '_x9 3x160']],
      minutes: 120,
    },
    {
      name: 'one was missed long ago, and an hour before nothing was scraped',
      series: [[`ekya_windows_total{${window},result="missed"}`, '0x10 1x90 _x30 1x60']],
      minutes: 170,
    },
    {
      name: 'one was missed long ago',
      series: [[`ekya_windows_total{${window},result="missed"}`, '0x10 1x160']],
      minutes: 120,
    },
    {
      name: 'all were planned',
      series: [
        [`ekya_windows_total{${window},result="missed"}`, '0x60'],
        [`ekya_windows_total{${window},result="planned"}`, '0+1x60'],
      ],
    },
  ],
  EkyaAccuracyBelowFloor: [
    { name: 'below', series: accuracy('0.5x60', '0.6x60'), fires: about.stream },
    { name: 'at the floor', series: accuracy('0.6x60', '0.6x60') },
    { name: 'no floor', series: accuracy('0.2x60', '0x60') },
    { name: 'never measured', series: accuracy('_x60', '0.6x60') },
  ],
  EkyaAccuracyFalling: [
    {
      name: 'three times',
      series: [[`ekya_window_accuracy_falling_windows{${window}}`, '3x60']],
      fires: about.window,
    },
    { name: 'twice', series: [[`ekya_window_accuracy_falling_windows{${window}}`, '2x60']] },
  ],
  EkyaProfilerErrorHigh: [
    {
      name: 'off by 20 points',
      series: [[`ekya_profile_error_ratio{${window}}`, '0.2x60']],
      fires: about.window,
    },
    { name: 'off by 5 points', series: [[`ekya_profile_error_ratio{${window}}`, '0.05x60']] },
  ],
  EkyaResizeFailing: [
    {
      name: 'again and again',
      series: [['ekya_resizes_total{backend="cpu",result="failed"}', '0+1x60']],
      fires: { backend: 'cpu' },
    },
    {
      name: 'never',
      series: [
        ['ekya_resizes_total{backend="cpu",result="failed"}', '0x60'],
        ['ekya_resizes_total{backend="cpu",result="done"}', '0+1x60'],
      ],
    },
  ],
  EkyaResizePending: [
    { name: 'all the time', series: [[`ekya_resizes_pending{${window}}`, '1x60']], fires: about.window },
    { name: 'now and then', series: [[`ekya_resizes_pending{${window}}`, '1x5 0 1x5 0 1x5 0 1x5']] },
  ],
  EkyaGpuOverCommitted: [
    {
      name: 'by a step',
      series: [['ekya_gpu_share_allocated_ratio{node="n",gpu="0"}', '1.05x60']],
      fires: { node: 'n', gpu: '0' },
    },
    { name: 'full', series: [['ekya_gpu_share_allocated_ratio{node="n",gpu="0"}', '1.0000000002x60']] },
  ],
  EkyaGpuFault: [
    { name: 'that does not end', series: [['ekya_gpu_fault{node="n",gpu="0",pod="a"}', '1x60']], fires: gpu },
    { name: 'that is over at the next look', series: [['ekya_gpu_fault{node="n",gpu="0"}', '0x18 1 0x60']] },
    {
      name: 'as a former leader saw it last',
      series: [
        ['ekya_gpu_fault{node="n",gpu="0",pod="a"}', '1x10'],
        ['ekya_gpu_fault{node="n",gpu="0",pod="b"}', '0x60'],
      ],
    },
  ],
  EkyaGpuFaultsRepeat: [
    {
      name: 'twice in an hour',
      series: [['ekya_gpu_mps_faults_total{node="n",gpu="0"}', '0x10 1x30 2x60']],
      minutes: 60,
      fires: gpu,
    },
    { name: 'once', series: [['ekya_gpu_mps_faults_total{node="n",gpu="0"}', '0x10 1x60']], minutes: 60 },
    {
      name: 'twice, long ago',
      series: [['ekya_gpu_mps_faults_total{node="n",gpu="0"}', '0x10 1x10 2x200']],
      minutes: 180,
    },
  ],
  EkyaGpuUnusable: [
    {
      name: 'after it served, also by another agent',
      series: [
        ['ekya_gpu_state{node="n",gpu="0",state="ready",pod="a"}', '1x10'],
        ['ekya_gpu_state{node="n",gpu="0",state="ready",pod="b"}', '_x10 0x60'],
        ['ekya_gpu_state{node="n",gpu="0",state="unusable",pod="b"}', '_x10 1x60'],
      ],
      minutes: 30,
      fires: gpu,
    },
    {
      name: 'from the beginning',
      series: [
        ['ekya_gpu_state{node="n",gpu="0",state="ready"}', '0x60'],
        ['ekya_gpu_state{node="n",gpu="0",state="unusable"}', '1x60'],
      ],
    },
    {
      name: 'while another serves',
      series: [
        ['ekya_gpu_state{node="n",gpu="1",state="ready"}', '1x60'],
        ['ekya_gpu_state{node="n",gpu="0",state="ready"}', '0x60'],
        ['ekya_gpu_state{node="n",gpu="0",state="unusable"}', '1x60'],
      ],
    },
  ],
  EkyaFramesDropped: [
    { name: 'a tenth', series: frames(100), fires: about.stream },
    { name: 'a thousandth', series: frames(1) },
    { name: 'a stream without frames', series: frames(0).map(([series]) => [series, '0x60'] as const) },
  ],
}

describe('alerts', function () {
  this.timeout(60_000)
  let promtool: string
  let rules: readonly Rule[]
  let folder: string

  before(async () => {
    promtool = await ensurePromtool()
    folder = await mkdtemp(join(tmpdir(), 'ekya-alerts-'))
    const groups = await rendered({})
    rules = groups.groups.flatMap(group => group.rules)
    // JSON is YAML.
    await writeFile(join(folder, 'rules.yaml'), JSON.stringify(groups))
  })
  after(() => rm(folder, { recursive: true, force: true }))

  it('are understood by Prometheus, templates included', async () => {
    expect(await run(promtool, ['check', 'rules', '--lint-fatal', join(folder, 'rules.yaml')])).to.include(
      'SUCCESS',
    )
  })

  it('are all tested here', () => {
    expect(rules.map(rule => rule.alert).sort()).to.deep.equal(Object.keys(cases).sort())
    for (const [alert, list] of Object.entries(cases)) {
      expect(
        list.some(({ fires }) => fires !== undefined),
        `${alert} fires`,
      ).to.equal(true)
      expect(
        list.some(({ fires }) => fires === undefined),
        `${alert} is silent`,
      ).to.equal(true)
    }
  })

  for (const [alert, list] of Object.entries(cases))
    for (const { name, series, minutes = 20, fires } of list)
      it(`${alert} ${fires === undefined ? 'is silent' : 'fires'}: ${name}`, async () => {
        const labels = {
          alertname: alert,
          alertstate: 'firing',
          ...rules.find(rule => rule.alert === alert)?.labels,
          ...fires,
        }
        const sample = `ALERTS{${Object.entries(labels)
          .map(([key, value]) => `${key}="${value}"`)
          .join(',')}}`
        const test = {
          rule_files: ['rules.yaml'],
          evaluation_interval: '1m',
          tests: [
            {
              interval: '1m',
              input_series: series.map(([series, values]) => ({ series, values })),
              promql_expr_test: [
                {
                  expr: `ALERTS{alertname="${alert}",alertstate="firing"}`,
                  eval_time: `${minutes}m`,
                  exp_samples: fires === undefined ? [] : [{ labels: sample, value: 1 }],
                },
              ],
            },
          ],
        }
        const file = join(folder, `${alert}-${name.replaceAll(/\W+/g, '-')}.yaml`)
        await writeFile(file, JSON.stringify(test))
        await run(promtool, ['test', 'rules', file])
      })

  it('each have a runbook that names them', () => {
    for (const { alert, annotations } of rules) {
      const file = fileURLToPath(new URL(`../../${annotations.runbook}`, import.meta.url))
      expect(existsSync(file), annotations.runbook).to.equal(true)
      expect(readFileSync(file, 'utf8'), annotations.runbook).to.include(alert)
    }
  })

  it('say what is wrong and how bad it is', () => {
    for (const { alert, labels, annotations } of rules) {
      expect(labels.severity, alert).to.be.oneOf(['critical', 'warning', 'info'])
      expect(annotations.summary, alert).to.be.a('string').and.have.length.within(10, 120)
      expect(annotations.description, alert).to.be.a('string').and.match(/\.$/)
    }
  })

  it('follow the values', async () => {
    const { groups } = await rendered({
      disabled: ['EkyaQueueAge', 'EkyaOperatorDown'],
      alertLabels: { team: 'edge' },
      runbookUrl: 'https://runbooks.example.org/ekya/',
      thresholds: { droppedFrames: 0.125, queueSeconds: 1.5, fallingWindows: 7 },
    })
    const found = groups.flatMap(group => group.rules)
    expect(found).to.have.length(rules.length - 2)
    expect(found.map(rule => rule.alert)).not.to.include.members(['EkyaQueueAge'])
    const dropped = found.find(rule => rule.alert === 'EkyaFramesDropped')
    expect(dropped?.expr).to.match(/> 0\.125\s*$/)
    expect(dropped?.labels).to.deep.equal({ severity: 'warning', team: 'edge' })
    expect(dropped?.annotations.runbook_url).to.equal('https://runbooks.example.org/ekya/frames-dropped.md')
    expect(found.find(rule => rule.alert === 'EkyaAccuracyFalling')?.expr).to.include('>= 7')
  })

  it('use every threshold, and leave no place for one empty', async () => {
    const raw = readFileSync(new URL('../../charts/ekya/files/alerts.yaml', import.meta.url), 'utf8')
    const places = new Set([...raw.matchAll(/<([A-Za-z]+)>/g)].map(([, name]) => name))
    const { default: schema } = await import('../../charts/ekya/values.schema.json', {
      with: { type: 'json' },
    })
    const thresholds = Object.keys(
      schema.properties.metrics.properties.prometheusRule.properties.thresholds.properties,
    )
    // <name> stands in the comment that explains it.
    expect([...places].sort()).to.deep.equal(['name', 'namespace', ...thresholds].sort())
  })

  async function rendered(prometheusRule: Values): Promise<Groups> {
    const values = { metrics: { prometheusRule: { enabled: true, ...prometheusRule } } }
    const [rule] = await render(values, { only: ['templates/prometheusrule.yaml'] })
    return rule?.spec as Groups
  }
})
