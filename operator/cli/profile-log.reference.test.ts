import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { parseTrace } from '../simulate/trace.ts'
import { runEkya } from './testing/run-ekya.ts'
import { writeImages } from './testing/write-images.ts'

describe('ekya estimator-report --images', function () {
  this.timeout(120_000)
  const folder = mkdtempSync(join(tmpdir(), 'ekya-profile-log-'))
  after(() => rmSync(folder, { recursive: true }))
  const images = join(folder, 'cameras')
  const log = join(folder, 'log')
  before(async () => {
    await writeImages(images, 'pretrain.csv', 30)
    await writeImages(images, 'cam-0/0.csv', 30, 0.8)
    await writeImages(images, 'cam-0/1.csv', 30, 0.5)
    await writeImages(images, 'cam-1/0.csv', 30, 0.6)
  })
  const report = (...args: string[]) => runEkya(['estimator-report', '--images', images, ...args])

  it('trains and micro-profiles on every window, keeps the trace, and uses it again', async () => {
    const first = await report('--log', log, '--json', '--jobs', '2')
    expect(first.status, first.stderr).to.equal(0)
    const figures = JSON.parse(first.stdout)
    expect(figures.medianAbsoluteErrorPoints).to.be.within(0, 50)
    expect(figures.profiling.gpuSeconds).to.be.within(0, figures.profiling.exhaustiveSharedGpuSeconds)
    expect(figures.profiling.exhaustiveSharedGpuSeconds).to.be.below(figures.profiling.exhaustiveGpuSeconds)

    const trace = parseTrace(readFileSync(join(log, 'trace.json'), 'utf8'), 'trace.json')
    expect(trace.streams.map(({ name, windows }) => [name, windows.length])).to.deep.equal([
      ['cam-0', 2],
      ['cam-1', 1],
    ])
    for (const { retraining } of trace.streams.flatMap(stream => stream.windows)) {
      expect(retraining).to.have.length(18)
      expect(retraining.every(({ estimate }) => estimate !== undefined)).to.equal(true)
      const cost = (name: string) => retraining.find(r => r.configuration === name)!.gpuSeconds
      const accuracy = (name: string) => retraining.find(r => r.configuration === name)!.accuracyAfter
      expect(cost('all-100pct-30')).to.be.above(cost('all-100pct-5'))
      expect(accuracy('all-100pct-30')).to.be.at.least(accuracy('all-100pct-5'))
    }

    const written = statSync(join(log, 'cam-0.train.json')).mtimeMs
    const again = await report('--log', log, '--json')
    expect(JSON.parse(again.stdout)).to.deep.equal(figures)
    expect(statSync(join(log, 'cam-0.train.json')).mtimeMs).to.equal(written)
    const { profiling: _, ...ofTrace } = figures
    const told = await runEkya(['estimator-report', '--trace', join(log, 'trace.json'), '--json'])
    expect(JSON.parse(told.stdout)).to.deep.equal(ofTrace)
  })

  for (const { name, change } of [
    {
      name: 'list has changed',
      change: () => {
        const list = join(images, 'cam-1/0.csv')
        writeFileSync(list, readFileSync(list, 'utf8').replace('\n0,0,', '\n0,1,'))
      },
    },
    {
      name: 'image has another content of the same size',
      change: () => {
        const image = join(images, 'cam-1/0/3.jpg')
        const bytes = readFileSync(image)
        bytes[bytes.length - 30]! ^= 1
        writeFileSync(image, bytes)
      },
    },
  ])
    it(`makes a camera again whose ${name}, and only that`, async () => {
      const read = (camera: string) => readFileSync(join(log, `${camera}.train.json`), 'utf8')
      const [kept, old] = [read('cam-0'), read('cam-1')]
      change()
      const { status, stderr } = await report('--log', log)
      expect(status, stderr).to.equal(0)
      expect(stderr).to.match(/estimator-report: 6 of 6 windows/)
      expect(read('cam-0')).to.equal(kept)
      expect(read('cam-1')).to.not.equal(old)
    })

  for (const { name, args, want } of [
    {
      name: 'a folder that is not there',
      args: ['--images', join(folder, 'none')],
      want: /--images: .*none is not there/,
    },
    {
      name: 'a trace and images',
      args: ['--images', images, '--trace', 'x.json'],
      want: /accepted are --trace FILE, or --images DIR/,
    },
    { name: 'neither', args: [], want: /accepted are --trace FILE, or --images DIR/ },
    { name: 'no processes', args: ['--images', images, '--jobs', '0'], want: /--jobs: "0" is not accepted/ },
  ])
    it(`refuses ${name}`, async () => {
      const { status, stderr, stdout } = await runEkya(['estimator-report', ...args])
      expect({ status, stdout }).to.deep.equal({ status: 2, stdout: '' })
      expect(stderr).to.match(want)
    })

  it('says what is missing in a folder without cameras', async () => {
    const empty = join(folder, 'empty')
    mkdirSync(empty)
    const { status, stderr } = await runEkya(['estimator-report', '--images', empty])
    expect(status).to.equal(1)
    expect(stderr).to.match(/has no cameras; accepted: a folder with pretrain\.csv and cam-0\/0\.csv/)
    expect(readdirSync(empty)).to.deep.equal([])
  })
})
