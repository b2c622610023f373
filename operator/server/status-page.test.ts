import { expect } from 'chai'
import { statusPage } from './status-page.ts'
import { exampleView } from './testing/example-view.ts'

const now = new Date('2026-01-01T00:00:30Z')

describe('status page', () => {
  const page = statusPage(exampleView, now)

  for (const { name, want } of [
    { name: 'the phase', want: '<strong>Retraining</strong>' },
    { name: 'what was measured', want: '87.3 %' },
    { name: 'the share', want: '20.0 %, 30.0 %' },
    { name: 'why', want: 'retrain all-15: 61.2 → 78.9 % for 14 GPU-s' },
    { name: 'the short digest', want: '>9f2c4d7ab01e</code>' },
    { name: 'the gain of a past window', want: '+27.0' },
    { name: 'a loss as a loss', want: '−2.0' },
    { name: 'warnings', want: 'keeps minAccuracy 0.95' },
    { name: 'streams without a window', want: 'Streams without a window' },
    { name: 'problems, escaped', want: 'models/&lt;broken&gt;.onnx' },
  ])
    it(`shows ${name}`, () => expect(page).to.include(want))

  it('escapes whatever names contain', () => {
    const evil = `"><img src=x onerror='alert(1)'>&`
    const [stream] = exampleView.streams
    const [window] = exampleView.windows
    const text = statusPage(
      {
        ...exampleView,
        leader: false,
        leaderIdentity: evil,
        streams: [
          { ...stream!, name: evil, decision: evil, modelDigest: evil, problem: evil, retraining: evil },
        ],
        windows: [{ ...window!, policy: evil, phase: evil, warnings: [evil] }],
        gpus: [{ node: evil, gpu: evil, allocated: 1 }],
      },
      now,
    )
    expect(text).not.to.include('<img')
    expect(text).not.to.include("onerror='")
  })

  it('says what to do when there is nothing', () => {
    const text = statusPage({ ...exampleView, streams: [], windows: [], gpus: [] }, now)
    expect(text).to.include('no CameraStream and no RetrainingWindow').and.include('No node offers a GPU')
  })

  it('has tables that a screen reader can announce', () => {
    const count = (what: RegExp) => (page.match(what) ?? []).length
    expect(count(/<table[ >]/g))
      .to.equal(count(/<caption>/g))
      .and.equal(4)
    expect(page).not.to.match(/<th(?! scope|ead)/)
    expect(page).to.include('<html lang="en">')
  })
})
