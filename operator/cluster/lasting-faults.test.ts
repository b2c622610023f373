import { expect } from 'chai'
import { ManualClock } from '../kube/testing/manual-clock.ts'
import type { SiteGpu } from '../sharing/backend.ts'
import { LastingFaults, lastingFaultMs } from './lasting-faults.ts'

const gpu = (index: string, fault?: string): SiteGpu => ({
  node: 'edge-0',
  gpu: index,
  device: { kind: 'cuda', cores: 1 },
  ...(fault === undefined ? {} : { fault }),
})
const good = gpu('0')
const bad = gpu('0', 'why')
const other = gpu('1', 'why')

describe('a fault of a GPU', () => {
  for (const { name, seen, want } of [
    { name: 'is given time', seen: [[[bad], lastingFaultMs - 1]], want: [false] },
    { name: 'lasts after that time', seen: [[[bad], lastingFaultMs]], want: [true] },
    {
      name: 'gets no more time by being told again, in other words',
      seen: [
        [[bad], lastingFaultMs / 2],
        [[gpu('0', 'another sentence')], lastingFaultMs / 2],
      ],
      want: [true],
    },
    {
      name: 'starts anew where the GPU served in between',
      seen: [
        [[bad], lastingFaultMs],
        [[good], 0],
        [[bad], lastingFaultMs - 1],
      ],
      want: [false],
    },
    {
      name: 'starts anew where the GPU was gone in between',
      seen: [
        [[bad], lastingFaultMs],
        [[], 0],
        [[bad], 0],
      ],
      want: [false],
    },
    {
      name: 'is timed apart from those of other GPUs',
      seen: [
        [[bad], lastingFaultMs / 2],
        [[bad, other], lastingFaultMs / 2],
      ],
      want: [true, false],
    },
  ] as const)
    it(name, async () => {
      const clock = new ManualClock()
      const faults = new LastingFaults(clock)
      for (const [gpus, forMs] of seen) {
        faults.observe('edge-0', gpus)
        await clock.advance(forMs)
      }
      const last = seen.at(-1)![0]
      expect(last.map(each => faults.judged(each).faultLasts ?? false)).to.deep.equal(want)
    })

  it('is none where the GPU serves', () => {
    expect(new LastingFaults(new ManualClock()).judged(good)).to.equal(good)
  })
})
