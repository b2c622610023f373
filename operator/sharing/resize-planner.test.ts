import { expect } from 'chai'
import fc from 'fast-check'
import { type PodShare, planResizes } from './resize-planner.ts'

const pod = (name: string, share: number, wanted: number, more: Partial<PodShare> = {}): PodShare => ({
  name,
  exists: share > 0,
  actual: share,
  desired: share,
  wanted,
  ...more,
})
const planned = (pods: readonly PodShare[], step = 0.1) =>
  planResizes(pods, step).steps.map(({ kind, pod: name, to }) => `${kind} ${name} ${to}`)

describe('planResizes', () => {
  for (const { name, pods, want } of [
    { name: 'nothing to do', pods: [pod('a', 0.5, 0.5), pod('b', 0.5, 0.5)], want: [] },
    {
      name: 'shrinks now, the grow waits',
      pods: [pod('a', 0.6, 0.3), pod('b', 0.4, 0.7)],
      want: ['shrink a 0.3'],
    },
    {
      name: 'grows once the shrink is through',
      pods: [pod('a', 0.3, 0.3), pod('b', 0.4, 0.7)],
      want: ['grow b 0.7'],
    },
    {
      name: 'a shrink that the node has not reported frees nothing',
      pods: [pod('a', 0.6, 0.3, { desired: 0.3 }), pod('b', 0.4, 0.7)],
      want: [],
    },
    {
      name: 'a grow that the node has not reported holds its share already',
      pods: [pod('a', 0.3, 0.6, { desired: 0.6 }), pod('b', 0.2, 0.4)],
      want: ['grow b 0.4'],
    },
    {
      name: 'creates into what is free, inference before training',
      pods: [pod('train', 0, 0.5, { priority: 1 }), pod('infer', 0, 0.6), pod('old', 0.2, 0.2)],
      want: ['create infer 0.6'],
    },
    {
      name: 'smaller needs first',
      pods: [pod('big', 0.2, 0.6), pod('small', 0.2, 0.3), pod('rest', 0.3, 0.1)],
      want: ['shrink rest 0.1', 'grow small 0.3'],
    },
    {
      name: 'a pod that is to go holds its share until it has gone',
      pods: [pod('gone', 0.5, 0), pod('new', 0, 0.6)],
      want: [],
    },
    {
      name: 'a finished pod holds nothing',
      pods: [pod('done', 0.5, 0, { actual: 0, desired: 0 }), pod('new', 0, 0.6)],
      want: ['create new 0.6'],
    },
    {
      name: 'changes below half a step are left out',
      pods: [pod('a', 0.52, 0.5), pod('b', 0.2, 0.24)],
      want: [],
    },
    {
      name: 'small shrinks that others need are done',
      pods: [pod('a', 0.34, 0.3), pod('b', 0.34, 0.3), pod('c', 0.2, 0.4)],
      want: ['shrink a 0.3', 'shrink b 0.3'],
    },
  ])
    it(name, () => expect(planned(pods)).to.deep.equal(want))

  it('says what waits and how much it lacks', () => {
    const { waiting } = planResizes([pod('a', 0.6, 0.3), pod('b', 0.4, 0.7)], 0.1)
    expect(waiting).to.have.length(1)
    expect(waiting[0]).to.include({ pod: 'b', to: 0.7, kind: 'grow' })
    expect(waiting[0]?.lacks).to.be.closeTo(0.3, 1e-9)
  })

  it('never exceeds the GPU and always arrives, whatever order the node acts in', () => {
    const steps = 20
    const share = fc.integer({ min: 0, max: steps })
    /** Cuts a list of weights so that the sum is at most the whole GPU, in steps. */
    const fitted = (weights: readonly number[]): number[] => {
      let left = steps
      return weights.map(weight => {
        const taken = Math.min(weight, left)
        left -= taken
        return taken / steps
      })
    }
    const scenario = fc.record({
      pods: fc.array(fc.record({ now: share, wanted: share, priority: fc.integer({ min: 0, max: 2 }) }), {
        minLength: 1,
        maxLength: 8,
      }),
      choices: fc.infiniteStream(fc.nat()),
    })
    fc.assert(
      fc.property(scenario, ({ pods, choices }) => {
        const now = fitted(pods.map(({ now }) => now))
        const wanted = fitted(pods.map(({ wanted }) => wanted))
        let world: PodShare[] = pods.map(({ priority }, index) =>
          pod(`pod-${index}`, now[index] as number, wanted[index] as number, { priority }),
        )
        const put = (name: string, change: Partial<PodShare>) => {
          world = world.map(one => (one.name === name ? { ...one, ...change } : one))
        }
        // Each round: one reconcile, then the node carries out one of the pending changes, chosen at random.
        for (let round = 0; round < 10 * pods.length; round++) {
          for (const step of planResizes(world, 1 / steps).steps) {
            put(step.pod, {
              desired: step.to,
              exists: true,
              ...(step.kind === 'create' && { actual: step.to }),
            })
          }
          const worst = world.reduce((sum, one) => sum + Math.max(one.actual, one.desired), 0)
          expect(worst).to.be.at.most(1 + 1e-6)
          const pending = world.filter(
            one => one.exists && (one.wanted === 0 || Math.abs(one.actual - one.desired) > 1e-9),
          )
          if (pending.length === 0) break
          const acted = pending[(choices.next().value as number) % pending.length] as PodShare
          put(
            acted.name,
            acted.wanted === 0 ? { exists: false, actual: 0, desired: 0 } : { actual: acted.desired },
          )
        }
        for (const one of world) expect(one.actual, one.name).to.be.closeTo(one.wanted, 1e-6)
        expect(planResizes(world, 1 / steps).steps).to.deep.equal([])
      }),
      { seed: 7, numRuns: 500 },
    )
  })
})
