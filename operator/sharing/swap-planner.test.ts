/** Pods that are replaced whatever their amount; all else of the planner is in the reference tests. */
import { expect } from 'chai'
import { type HeldPod, planSwaps, stepUnits } from './swap-planner.ts'

const amount = { units: 40, memoryMiB: 1000 }
const limits = { steadyUnits: 100, totalUnits: 200, memoryMiB: 8000, clients: 44, swaps: 1 }
const old: HeldPod = { pod: 'a', ...amount, state: 'serving', outdated: true }
const plan = (pods: readonly HeldPod[], totalUnits: number, worthSwapping = true) =>
  planSwaps({
    workers: [
      { name: 'a', interruptible: false, pods, wanted: amount },
      {
        name: 'b',
        interruptible: false,
        pods: [{ pod: 'b', units: 60, memoryMiB: 1000, state: 'serving' }],
        wanted: { units: 60, memoryMiB: 1000 },
      },
    ],
    limits: { ...limits, totalUnits },
    step: 5,
    worthSwapping,
  })

describe('planSwaps for a pod that is outdated', () => {
  for (const { name, pods, totalUnits, worthSwapping, want } of [
    { name: 'makes one beside it', pods: [old], totalUnits: 140, want: ['create'] },
    {
      name: 'does so whatever is left of the window',
      pods: [old],
      totalUnits: 140,
      worthSwapping: false,
      want: ['create'],
    },
    {
      name: 'hands over once that is ready',
      pods: [old, { pod: 'a-g2', ...amount, state: 'ready' } as const],
      totalUnits: 140,
      want: ['take-over'],
    },
    { name: 'leaves one alone that is not', pods: [{ ...old, outdated: false }], totalUnits: 140, want: [] },
  ])
    it(name, () => {
      const { steps, blocked } = plan(pods, totalUnits, worthSwapping)
      expect(steps.map(({ kind }) => kind)).to.deep.equal(want)
      expect(blocked).to.deep.equal([])
    })

  it('says where there is no room for both', () =>
    expect(plan([old], 139)).to.deep.equal({
      steps: [],
      blocked: [
        {
          worker: 'a',
          reason: 'units with surge while its old pod is there: 1 more than the 139 there are',
        },
      ],
    }))
})

describe('planSwaps for a worker that gains nothing by a swap', () => {
  const grows = (others: number) =>
    planSwaps({
      workers: [
        {
          name: 'training',
          interruptible: true,
          pods: [{ pod: 'training', units: 40, memoryMiB: 1000, state: 'serving' }],
          wanted: { units: 20, memoryMiB: 1000 },
          worthSwapping: false,
        },
        { name: 'b', interruptible: false, pods: [], wanted: { units: others, memoryMiB: 1000 } },
      ],
      limits,
      step: 5,
    }).steps

  it('leaves its share where others have room beside it', () =>
    expect(grows(60).map(({ kind, worker }) => [kind, worker])).to.deep.equal([['create', 'b']]))

  it('changes it where others need the room', () =>
    expect(grows(80).map(({ kind, worker }) => [kind, worker])).to.deep.equal([['end', 'training']]))
})

describe('stepUnits', () => {
  for (const { step, steadyUnits, want } of [
    { step: 0.05, steadyUnits: 100, want: 5 },
    { step: 0.07, steadyUnits: 100, want: 7 },
    { step: 0.05, steadyUnits: 85, want: 4 },
    { step: 0.05, steadyUnits: 38, want: 1 },
    { step: 0.01, steadyUnits: 4, want: 1 },
  ])
    it(`is ${want} for ${step} of ${steadyUnits} units`, () =>
      expect(stepUnits(step, steadyUnits)).to.equal(want))
})
