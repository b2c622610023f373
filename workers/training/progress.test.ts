import { expect } from 'chai'
import { TrainingProgress } from './progress.ts'

describe('TrainingProgress', () => {
  const begin = () => {
    const at = { gpuSeconds: 5, now: 100 }
    const progress = new TrainingProgress({
      epochs: 4,
      cores: 2,
      gpuSeconds: () => at.gpuSeconds,
      now: () => at.now,
    })
    const epoch = (number: number) => {
      at.gpuSeconds += 3
      at.now += 10
      const counts = { loss: 1, trainAccuracy: 0.5, cpuSeconds: 6, stepCpuSeconds: 5 }
      progress.epochDone({ epoch: number, validationAccuracy: 0.1 * number, ...counts }, 200)
    }
    return { at, progress, epoch }
  }

  it('knows nothing of the cost before the first epoch', () => {
    const { progress } = begin()
    progress.begin()
    expect(progress.report).to.deep.equal({
      epoch: 0,
      epochs: 4,
      progress: 0,
      validationAccuracy: null,
      points: [],
      remainingGpuSeconds: null,
      imagesPerSecond: null,
    })
  })

  it('counts epochs, and within one what it has cost so far', () => {
    const { at, progress, epoch } = begin()
    progress.begin()
    epoch(1)
    expect(progress.report).to.deep.equal({
      epoch: 1,
      epochs: 4,
      progress: 0.25,
      validationAccuracy: 0.1,
      points: [[1, 0.1]],
      remainingGpuSeconds: 9,
      imagesPerSecond: 20,
    })
    at.gpuSeconds += 1.5
    expect(progress.report).to.include({ progress: 0.375, remainingGpuSeconds: 7.5 })
    at.gpuSeconds += 100
    expect(progress.report.progress).to.be.closeTo((1 + 0.95) / 4, 1e-9)
  })

  it('ends at 1', () => {
    const { at, progress, epoch } = begin()
    progress.begin()
    for (const number of [1, 2, 3, 4]) epoch(number)
    at.gpuSeconds += 1
    expect(progress.report).to.include({ progress: 1, remainingGpuSeconds: 0, epoch: 4 })
  })

  it('tells of no more than 20 epochs, the last one among them', () => {
    const { progress, epoch } = begin()
    progress.begin()
    for (let i = 1; i <= 50; i++) epoch(i)
    const { points } = progress.report
    expect(points).to.have.length(17)
    expect(points.map(([done]) => done)).to.include.members([2, 47, 50])
  })
})
