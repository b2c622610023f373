import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { cityscapesFile, missing } from '../simulate/testing/shared-traces.ts'
import { run } from './program.ts'

async function report(...args: string[]) {
  let [stdout, stderr] = ['', '']
  const status = await run(['estimator-report', ...args], {
    stdin: (async function* () {})(),
    stdout: { write: text => (stdout += text) },
    stderr: { write: text => (stderr += text) },
    env: {},
  })
  return { status, stdout, stderr }
}

describe('ekya estimator-report', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ekya-report-'))
  after(() => rmSync(folder, { recursive: true }))
  const file = (name: string, content: unknown): string => {
    const path = join(folder, name)
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
    return path
  }
  const option = (configuration: string, accuracyAfter: number, estimate: number) => ({
    configuration,
    accuracyAfter,
    gpuSeconds: 10,
    estimate: { accuracyAfter: estimate, gpuSeconds: 10 },
  })
  const stream = (name: string, ...retraining: unknown[]) => ({
    name,
    windows: [{ accuracyBefore: 0.6, retraining }],
  })
  const small = {
    version: 1,
    streams: [
      stream('a', option('quick', 0.7, 0.9), option('slow', 0.8, 0.7)),
      stream('b', option('quick', 0.6, 0.7), option('slow', 0.9, 0.8)),
    ],
  }

  it('scores the baselines as one does by hand', async () => {
    const { status, stdout } = await report('--trace', file('small.json', small), '--json')
    expect(status).to.equal(0)
    const { baselines } = JSON.parse(stdout)
    expect(baselines.microProfile.medianAbsoluteErrorPoints).to.be.closeTo(10, 1e-9)
    expect(baselines.microProfile.meanAbsoluteErrorPoints).to.be.closeTo(12.5, 1e-9)
    expect(baselines.microProfile.meanSpearman).to.be.closeTo(0, 1e-9)
    expect(baselines.microProfile.regretPoints).to.be.closeTo(5, 1e-9)
    expect(baselines.microProfile.intervalCoverage).to.equal(null)
    expect(baselines.otherStreams.meanAbsoluteErrorPoints).to.be.closeTo(10, 1e-9)
    expect(baselines.otherStreams.regretPoints).to.be.closeTo(0, 1e-9)
  })

  it('takes one stream without estimates', async () => {
    const only = stream('a', { configuration: 'quick', accuracyAfter: 0.7, gpuSeconds: 10 })
    const path = file('one.json', { version: 1, streams: [only] })
    const { status, stdout } = await report('--trace', path)
    expect(status).to.equal(0)
    expect(stdout).to.match(/micro-profile alone \(Ekya\) +- /)
  })

  for (const { name, content, want } of [
    { name: 'no JSON', content: '{', want: /estimator-report: .*bad\.json: is not JSON/ },
    {
      name: 'an accuracy above 1',
      content: { version: 1, streams: [stream('a', option('quick', 7, 0.9))] },
      want: /bad\.json: streams\[0\]\.windows\[0\]\.retraining\[0\]\.accuracyAfter/,
    },
  ])
    it(`refuses ${name} with file and path`, async () => {
      const { status, stderr, stdout } = await report('--trace', file('bad.json', content))
      expect({ status, stdout }).to.deep.equal({ status: 2, stdout: '' })
      expect(stderr).to.match(want)
    })

  it('predicts the Cityscapes profiles better than micro-profiles and other streams do', async function () {
    if (missing !== undefined) {
      console.log(`      skipped: ${missing}`)
      this.skip()
    }
    const { stdout } = await report('--trace', cityscapesFile, '--json')
    const { baselines, ...figures } = JSON.parse(stdout)
    expect(figures.medianAbsoluteErrorPoints).to.be.at.most(3.2)
    expect(figures.meanSpearman).to.be.at.least(0.78)
    expect(figures.regretPoints).to.be.at.most(1.1)
    expect(figures.intervalCoverage).to.be.within(0.85, 0.95)
    expect(baselines.microProfile.medianAbsoluteErrorPoints).to.be.closeTo(5.86, 0.01)
    expect(baselines.otherStreams.medianAbsoluteErrorPoints).to.be.closeTo(3.6, 0.01)
  })
})
