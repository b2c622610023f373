import { expect } from 'chai'
import type { Device } from '../../operator/api/worker.ts'
import { preparesAside } from './student.ts'

describe('a training that', () => {
  const cases: readonly { name: string; device: Device; usable: number; want: boolean }[] = [
    { name: 'has a GPU prepares batches aside', device: { kind: 'cuda' }, usable: 1, want: true },
    { name: 'has two cores does', device: { kind: 'cpu', cores: 2 }, usable: 2, want: true },
    { name: 'has a small share of four does not', device: { kind: 'cpu', cores: 4 }, usable: 1, want: false },
    {
      name: 'may use less than the machine has does not',
      device: { kind: 'cpu', cores: 1.5 },
      usable: 8,
      want: false,
    },
    { name: 'is told nothing does not', device: { kind: 'cpu' }, usable: 8, want: false },
  ]
  for (const { name, device, usable, want } of cases)
    it(name, () => expect(preparesAside(device, usable)).to.equal(want))
})
