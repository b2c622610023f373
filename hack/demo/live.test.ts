import { expect } from 'chai'
import type { CameraStream, RetrainingWindow, WindowPlanItem } from '../../operator/api/generated/types.ts'
import { changes, createDisplay, liveLines } from './live.ts'
import { type SiteView, siteView } from './site-view.ts'

const camera = (name: string, status: CameraStream['status'] = {}): CameraStream =>
  ({ metadata: { name }, spec: {}, status }) as unknown as CameraStream
const ready = {
  type: 'Ready',
  status: 'True',
  reason: 'Serving',
  message: '',
  lastTransitionTime: '',
} as const
const window = (status: RetrainingWindow['status']): RetrainingWindow =>
  ({
    metadata: { name: 'demo' },
    spec: { scheduler: { policy: 'thief' } },
    status,
  }) as unknown as RetrainingWindow
const item = (more: Partial<WindowPlanItem>): WindowPlanItem => ({
  stream: 'cam-0',
  node: 'n',
  gpu: '0',
  inferenceShare: 0.3,
  inferenceConfiguration: 'every-frame',
  trainingShare: 0.2,
  retrainingConfiguration: 'all-5',
  predictedWindow: 0.8,
  state: 'Training',
  reason: 'retrain all-5: 61.2 → 78.9 %',
  ...more,
})

const waiting = siteView(undefined, [])
const training: SiteView = siteView(
  window({
    current: {
      index: 1,
      phase: 'Retraining',
      startedAt: '2026-01-01T00:00:00Z',
      endsAt: '2026-01-01T00:01:00Z',
    },
    plan: { window: 1, decidedAt: '', policy: 'thief', predictedAccuracy: 0.8, items: [item({})] },
    history: [{ index: 0, realised: 0.5, withoutRetraining: 0.5 }],
  }),
  [
    camera('cam-10', {
      conditions: [{ ...ready, status: 'False', reason: 'ModelInvalid', message: 'bad file' }],
    }),
    camera('cam-0', {
      conditions: [ready],
      accuracy: { measured: 0.5, withoutRetraining: 0.45, window: 0 },
      allocation: { node: 'n', gpu: '0', share: 0.3 },
      retraining: { configuration: 'all-5', share: 0.2, progress: 0.42 },
    }),
  ],
)

describe('live view of the demo', () => {
  const now = Date.parse('2026-01-01T00:00:20Z')

  it('waits before there is anything', () =>
    expect(liveLines(waiting, ['footer'], now)[0]).to.equal('waiting for the first window (Pending)'))

  it('shows window, cameras in order, shares and decisions', () => {
    const lines = liveLines(training, ['footer'], now)
    expect(lines[0]).to.equal('window 1 · Retraining · 40 s left · policy thief · predicted 80.0 %')
    expect(lines[3]).to.match(/^cam-0 +45\.0 % +50\.0 % +80\.0 % +0\.30 +0\.20 {2}trains 42 % +retrain all-5/)
    expect(lines[4]).to.match(/^cam-10 .*not ready +ModelInvalid: bad file$/)
    expect(lines.at(-3)).to.match(/^window 0: served 50\.0 %/)
    expect(lines.at(-1)).to.equal('footer')
  })

  it('ignores a plan of another window', () => {
    const view = siteView(
      window({
        current: { index: 2, phase: 'Labeling' },
        plan: { window: 1, decidedAt: '', policy: 'thief', predictedAccuracy: 0.8, items: [item({})] },
      }),
      [camera('cam-0')],
    )
    expect([view.predicted, view.cameras[0]?.state]).to.deep.equal([null, null])
  })

  describe('changes', () => {
    it('tells each thing once', () => {
      expect(changes(waiting, training)).to.deep.equal([
        'window 1: Retraining',
        '  plan by thief: predicted 80.0 %',
        '  cam-0 serves',
        '  cam-0: trains all-5 at 0.20 of the GPU',
        '  cam-10 is not ready: ModelInvalid: bad file',
        '  window 0: served 50.0 %, first models 50.0 % (+0.0 points), predicted –, 0 retrained',
      ])
      expect(changes(training, training)).to.deep.equal([])
    })

    it('tells what became of a training', () => {
      const [first, ...others] = training.cameras
      const accepted: SiteView = {
        ...training,
        cameras: [
          { ...first!, state: 'Accepted', trainingShare: 0, accuracyBefore: 0.612, accuracyAfter: 0.79 },
          ...others,
        ],
      }
      expect(changes(training, accepted)).to.deep.equal([
        '  cam-0: takes the new model: 61.2 % → 79.0 % on validation frames',
      ])
    })
  })

  it('redraws in place on a terminal, within its size, and keeps notes', () => {
    let written = ''
    const terminal = { isTTY: true, columns: 40, rows: 6, write: (text: string) => (written += text) }
    const display = createDisplay(terminal, ['footer'], () => 0)
    display.update(training, now)
    const lines = written.trimEnd().split('\n')
    expect(lines).to.have.length(5)
    for (const line of lines.slice(1)) expect(line.length).to.be.at.most(39)
    written = ''
    display.note('the operator was ended by SIGKILL; starting it again')
    expect(written).to.equal('\x1b[5A\x1b[0Jthe operator was ended by SIGKILL; starting it again\n')
  })

  it('writes lines with the time otherwise', () => {
    let written = ''
    const display = createDisplay({ write: text => (written += text) }, ['footer'], () => 12.3)
    display.update(waiting, now)
    display.update(waiting, now)
    expect(written).to.equal('footer\n   12 s  waiting: Pending\n')
  })
})
