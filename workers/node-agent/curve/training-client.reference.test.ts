import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { smallCnn } from '../../models/architectures/small-cnn.ts'
import { ownPrograms } from '../programs.ts'
import { measureCurve } from './measurement.ts'
import { stepsOfAnEpoch } from './training-client.ts'

describe('training-client, on the cpu', () => {
  let folder: string
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'ekya-client-'))
  })
  after(() => rmSync(folder, { recursive: true }))

  it('has no more images in memory than there is room for', () => {
    const steps = [64, 224, 2048].map(size => stepsOfAnEpoch(32, { channels: 3, height: size, width: size }))
    expect(steps).to.deep.equal([100, 27, 5])
  })

  it('is a process that trains, and whose answers make a curve', async function () {
    this.timeout(120_000)
    const model = join(folder, 'student.onnx')
    writeFileSync(model, smallCnn({ classes: 3, seed: 1, widths: [8] }))
    const curve = await measureCurve({
      programs: ownPrograms,
      uuid: 'GPU-1',
      pipeDirectory: folder,
      clients: async () => 0,
      request: { device: 'cpu', seconds: 0.1, batchSize: 8, model },
    })
    expect(curve).to.have.length(10)
    expect(curve.at(-1)).to.deep.equal([1, 1])
    // Without MPS a percentage changes nothing.
    for (const [, speed] of curve) expect(speed).to.be.within(0.1, 1)
  })
})
