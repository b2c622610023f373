/** Against Ekya's own simulator: the same allocations give the same accuracy, its baselines the same allocations, the thief no less. */
import { expect } from 'chai'
import { policy } from '../scheduler/policies/registry.ts'
import { type SimulationResult, simulate } from './simulate.ts'
import { cityscapes, type EkyaRun, ekyaRuns, missing, referenceRows } from './testing/shared-traces.ts'

/** Of Ekya's simulator. */
const step = 0.25 / 3

function run(
  name: string,
  policyOptions: object,
  of: Pick<EkyaRun, 'streams' | 'gpus'>,
  sees: 'actual' | 'estimate',
) {
  return simulate(cityscapes(of.streams), policy(name), {
    policy: name,
    policyOptions: { ...policyOptions },
    sees,
    gpus: of.gpus,
    windowSeconds: 200,
    step,
  })
}

const seen = (of: EkyaRun) => (of.scheduler_sees === 'actual' ? 'actual' : 'estimate')

describe("Ekya's simulator", function () {
  this.timeout(60_000)
  before(function () {
    if (missing === undefined) return
    console.log(`      skipped: ${missing}`)
    this.skip()
  })

  it('finds the same accuracy for its allocations, or a lower one where it loses a job', () => {
    const runs = ekyaRuns().filter(({ scheduler }) => !scheduler.startsWith('cloud'))
    expect(runs).to.have.length(36)
    const above = runs.map(
      of =>
        run('replay', { schedule: of.allocation }, of, seen(of)).meanAccuracy - of.mean_inference_accuracy,
    )
    expect(Math.min(...above)).to.be.above(-1e-6)
    expect(above.filter(difference => difference < 1e-6).length).to.be.at.least(28)
  })

  it('gives the deterministic baselines the same allocations', () => {
    const own = (scheduler: string): [string, object] | undefined => {
      if (scheduler === 'inference_only') return ['none', {}]
      if (scheduler === 'fairfixed_3_5_0.5') return ['fair', { configuration: '3_5', inferenceWeight: 0.5 }]
      return scheduler.startsWith('fair_') ? [scheduler.replace('_', '-'), {}] : undefined
    }
    let compared = 0
    for (const of of ekyaRuns()) {
      const [name, options] = own(of.scheduler) ?? []
      if (name === undefined) continue
      sameAllocations(run(name, options!, of, seen(of)), of)
      compared++
    }
    expect(compared).to.equal(30)
  })

  it('gives the thief the same allocations where no rounding to seconds comes between', () => {
    const of = ekyaRuns().find(
      r => r.scheduler === 'thief' && r.streams === 2 && r.gpus === 1 && r.scheduler_sees === 'actual',
    )!
    sameAllocations(run('thief', {}, of, 'actual'), of)
  })

  it('is not ahead of cloud', () => {
    for (const of of ekyaRuns().filter(({ scheduler }) => scheduler === 'cloud_100')) {
      const { meanAccuracy } = run('cloud', { delaySeconds: 100 }, of, seen(of))
      // It swaps the model a second later.
      expect(meanAccuracy - of.mean_inference_accuracy).to.be.within(-1e-6, 0.001)
    }
  })

  for (const [sees, column] of [
    ['actual', 'ekya_thief_sees_actual_profiles'],
    ['estimate', 'ekya_thief_sees_microprofile'],
  ] as const)
    it(`is not ahead of thief by more than 0.002 in any cell, seeing ${sees}`, () => {
      const cells = missing === undefined ? referenceRows('headroom_over_thief.csv') : []
      expect(cells).to.have.length(12)
      for (const cell of cells) {
        const of = { streams: Number(cell.streams), gpus: Number(cell.gpus) }
        const { meanAccuracy } = run('thief', {}, of, sees)
        expect(meanAccuracy, JSON.stringify(of)).to.be.at.least(Number(cell[column]) - 0.002)
      }
    })

  it('has no better fixed setting than oracle-best-fixed', () => {
    for (const cell of referenceRows('headroom_over_thief.csv')) {
      if (!cell.best_fixed_uniform_name!.startsWith('fairfixed')) continue
      const { meanAccuracy } = run(
        'oracle-best-fixed',
        {},
        { streams: Number(cell.streams), gpus: Number(cell.gpus) },
        'actual',
      )
      expect(meanAccuracy).to.be.at.least(Number(cell.best_fixed_uniform) - 1e-4)
    }
  })

  it('would notice another allocation', () => {
    const of = ekyaRuns().find(r => r.scheduler === 'fair_dumb')!
    expect(() => sameAllocations(run('fair-sco', {}, of, seen(of)), of)).to.throw()
  })
})

function sameAllocations(result: SimulationResult, of: EkyaRun): void {
  for (const { index, streams, timeline } of result.windows) {
    const where = `${of.scheduler}, sees ${of.scheduler_sees}, ${of.streams} × ${of.gpus}, window ${index + 1}`
    const events = Object.entries(of.allocation[index + 1]!)
      .map(([at, jobs]) => ({ at: Number(at), jobs }))
      .filter(({ at }) => at < of.window)
      .sort((a, b) => a.at - b.at)
    expect(timeline.intervals, where).to.have.length(events.length)
    const state = new Map<string, number>()
    events.forEach(({ at, jobs }, k) => {
      for (const [job, share] of Object.entries(jobs)) state.set(job, share)
      expect(timeline.intervals[k]!.from, where).to.be.closeTo(at, 1e-5)
      streams.forEach(({ name, configuration }, i) => {
        const { inference, training } = timeline.intervals[k]!.shares[i]!
        expect(inference, where).to.be.closeTo(state.get(`${name}_${i}_inference`)!, 1e-9)
        for (const [job, share] of state)
          if (job.startsWith(`${name}_${i}_train_`)) {
            expect(training, where).to.be.closeTo(share, 1e-9)
            if (share > 0) expect(job, where).to.equal(`${name}_${i}_train_${configuration}`)
          }
      })
    })
  }
}
