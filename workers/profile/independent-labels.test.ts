import { expect } from 'chai'
import { random } from '../models/random.ts'
import { independentLabels } from './independent-labels.ts'

const frames = (labels: readonly number[]) => labels.map((label, frame) => ({ frame, label }))

describe('independentLabels', () => {
  for (const { name, labels, want } of [
    { name: 'no frames', labels: [], want: 0 },
    { name: 'one frame', labels: [2], want: 1 },
    { name: 'a single object', labels: [1, 1, 1, 1], want: 1 },
    { name: 'labels that always change: no more than there are', labels: [0, 1, 0, 1, 0, 1], want: 6 },
  ])
    it(name, () => expect(independentLabels(frames(labels), 3)).to.equal(want))

  it('counts independent labels nearly all, and objects of five frames about once each', () => {
    const draw = random(1, 'labels')
    const objects = Array.from({ length: 100 }, () => draw.integer(6))
    expect(independentLabels(frames(objects), 6)).to.be.within(85, 100)
    const held = objects.flatMap(label => [label, label, label, label, label])
    expect(independentLabels(frames(held), 6)).to.be.within(85, 115)
  })

  it('goes by time, not by the order given', () => {
    const [a, b] = [frames([0, 0, 1, 1]), [...frames([0, 0, 1, 1])].reverse()]
    expect(independentLabels(b, 2)).to.equal(independentLabels(a, 2))
  })
})
