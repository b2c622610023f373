import { expect } from 'chai'
import { epoch, retrainingWindow } from '../../controllers/testing/site.ts'
import { item, running, training } from '../../controllers/testing/window.ts'
import { plannedBlocks } from './share-chart.ts'

describe('what a plan foresees on a GPU', () => {
  const span = { from: epoch, now: epoch + 30_000, to: epoch + 100_000 }
  const blocks = (...items: Parameters<typeof running>[1]) =>
    plannedBlocks(retrainingWindow(running('Retraining', items)), { node: 'edge-0', gpu: '0' }, span).map(
      ({ stream, role, share, from, to }) => [
        `${stream} ${role}`,
        Number(share.toFixed(3)),
        (from - epoch) / 1000,
        (to - epoch) / 1000,
      ],
    )

  it('is inference to the end, and trainings as long as they take', () =>
    expect(blocks(training('cam-0'), item('cam-1', { node: 'edge-1' }))).to.deep.equal([
      ['cam-0 inference', 0.3, 30, 100],
      ['cam-0 training', 0.4, 30, 40],
    ]))

  it('gives trainings that wait what the others leave then', () => {
    const waits = (name: string) =>
      training(name, {
        state: 'Planned',
        inferenceShare: 0.1,
        trainingShare: 0,
        startsAt: new Date(epoch + 40_000).toISOString(),
        completesAt: new Date(epoch + 70_000).toISOString(),
      })
    expect(
      blocks(training('cam-0'), waits('cam-1'), waits('cam-2')).filter(([name]) =>
        String(name).endsWith('training'),
      ),
    ).to.deep.equal([
      ['cam-0 training', 0.4, 30, 40],
      ['cam-1 training', 0.25, 40, 70],
      ['cam-2 training', 0.25, 40, 70],
    ])
  })

  it('is nothing of a training that has ended', () =>
    expect(blocks(training('cam-0', { state: 'Accepted', trainingShare: 0 }))).to.deep.equal([
      ['cam-0 inference', 0.3, 30, 100],
    ]))
})
