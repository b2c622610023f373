import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { runEkya } from './testing/run-ekya.ts'
import { writeImages } from './testing/write-images.ts'

describe('ekya profile', function () {
  this.timeout(30_000)
  const folder = mkdtempSync(join(tmpdir(), 'ekya-profile-'))
  after(() => rmSync(folder, { recursive: true }))
  const at = (name: string): string => join(folder, name)
  before(async () => {
    await writeImages(folder, 'train.csv', 60)
    await writeImages(folder, 'validation.csv', 24)
    const args = ['--classes', '3', '--input', '3x32x32', '--out', at('student.onnx')]
    expect((await runEkya(['model', 'build', 'small-cnn', ...args])).status).to.equal(0)
  })

  const head = { name: 'head', trainableLayers: 'head', epochs: 10 }
  const all = { name: 'all', epochs: 10 }
  const half = { ...all, name: 'half', dataFraction: 0.5 }
  const profile = (configurations: readonly unknown[], ...more: string[]) =>
    runEkya([
      ...['profile', '--model', at('student.onnx'), '--images', folder],
      ...['--train', at('train.csv'), '--validation', at('validation.csv')],
      ...configurations.flatMap(each => ['--config', typeof each === 'string' ? each : JSON.stringify(each)]),
      ...more,
    ])
  const history = (cost: number) => {
    const window = (accuracyAfter: number) => ({
      accuracyBefore: 0.34,
      retraining: ['head', 'all', 'half'].map(configuration => ({
        configuration,
        accuracyAfter,
        gpuSeconds: 10 * cost,
        estimate: { accuracyAfter: 0.5, gpuSeconds: 10 },
      })),
    })
    const streams = ['a', 'b', 'c'].map(name => ({
      name,
      windows: [0.95, 0.96, 0.94, 0.95].map(window),
    }))
    const file = at(`history-${cost}.json`)
    writeFileSync(file, JSON.stringify({ version: 1, streams }))
    return file
  }

  it('tells accuracy and cost of each configuration, with intervals', async () => {
    const { status, stdout, stderr } = await profile([head, all, half], '--json')
    expect(status, stderr).to.equal(0)
    const report = JSON.parse(stdout)
    expect(report.configurations.map((each: { configuration: string }) => each.configuration)).to.deep.equal([
      'head',
      'all',
      'half',
    ])
    for (const { accuracy, gpuSeconds } of report.configurations) {
      expect(accuracy.low).to.be.below(accuracy.mean)
      expect(accuracy.high).to.be.above(accuracy.mean)
      expect(gpuSeconds.low).to.be.within(0, gpuSeconds.median)
      expect(gpuSeconds.high).to.be.above(gpuSeconds.median)
    }
    const cost = (i: number) => report.configurations[i].gpuSeconds.median
    expect(cost(2)).to.be.below(cost(1))
    expect(report.gpuSeconds).to.be.above(0)
    expect(report.accuracyBefore).to.be.within(0, 1)
  })

  it('learns from a history what retrainings come to and cost', async () => {
    const figures = async (...more: string[]) =>
      JSON.parse((await profile([head, all, half], '--json', ...more)).stdout).configurations[1]
    const [alone, informed, dear] = [
      await figures(),
      await figures('--history', history(1)),
      await figures('--history', history(1.8)),
    ]
    expect(informed.accuracy.mean).to.be.above(alone.accuracy.mean)
    expect(informed.accuracy.high - informed.accuracy.low).to.be.below(
      alone.accuracy.high - alone.accuracy.low,
    )
    expect(dear.gpuSeconds.median).to.be.above(1.2 * informed.gpuSeconds.median)
  })

  it('says which configurations it leaves out', async () => {
    const { status, stdout, stderr } = await profile([head, { ...all, learningRate: 1e30 }])
    expect(status).to.equal(0)
    expect(stdout)
      .to.match(/head +\d/)
      .and.not.match(/all +\d/)
    expect(stderr).to.match(
      /profile: left out, because the loss became no number .*: all; a lower learningRate/,
    )
  })

  it('prints a table, naming configurations by their knobs where they have no name', async () => {
    const { stdout } = await profile(['{"epochs": 5, "dataFraction": 0.5}'])
    expect(stdout).to.match(/all-50pct-5 +\d+\.\d +\d+\.\d–\d+\.\d +\d+\.\d\d +\d+\.\d\d–\d+\.\d\d/)
  })

  it('reports everything that is wrong at once', async () => {
    const { status, stderr, stdout } = await profile([all, all, { name: 'a b', epochs: 0 }], '--sample', '2')
    expect({ status, stdout }).to.deep.equal({ status: 2, stdout: '' })
    expect(stderr).to.match(/two configurations are called all/)
    expect(stderr).to.match(/name is "a b"; accepted/)
    expect(stderr).to.match(/epochs is 0; accepted/)
    expect(stderr).to.match(/--sample: "2" is not accepted/)
  })
})
