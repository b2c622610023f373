import { expect } from 'chai'
import { policy } from '../../scheduler/policies/registry.ts'
import { simulate } from '../simulate.ts'
import { compare, failures, type Progress } from './compare.ts'
import { choice, smallComparison, smallSite, smallTrace } from './testing/small.ts'

describe('compare', () => {
  it('reports cells by GPUs, streams, what is seen and policies, as one simulation after another would', async () => {
    const { cells } = await compare(smallTrace, smallComparison)
    const want = [1, 2].flatMap(gpus =>
      [1, 3].flatMap(streams =>
        (['actual', 'estimate'] as const).flatMap(sees =>
          ['thief', 'none'].map(name => {
            const trace = { ...smallTrace, streams: smallTrace.streams.slice(0, streams) }
            const { knowsLeftOut: _, ...site } = smallSite
            const result = simulate(trace, policy(name), { ...site, gpus, sees, policy: name })
            const windows = result.windows.map(window => window.meanAccuracy)
            return { gpus, streams, sees, policy: name, meanAccuracy: result.meanAccuracy, windows }
          }),
        ),
      ),
    )
    expect(cells).to.deep.equal(want)
  })

  it('has the same record with one worker thread and with two, and tells how far it is', async () => {
    const seen: Progress[] = []
    const options = { ...smallComparison, sensitivity: true, gpus: [2] }
    const one = await compare(smallTrace, { ...options, onDone: progress => seen.push(progress) })
    const two = await compare(smallTrace, { ...options, jobs: 2 })
    expect(two).to.deep.equal(one)
    expect(seen.map(({ done }) => done)).to.deep.equal(seen.map((_, i) => i + 1))
    expect(seen.at(-1)).to.include({ done: seen.length, total: seen.length })
  }).timeout(30_000)

  it('looks closer at the most streams, the middle number of GPUs and what is seen first', async () => {
    const { allocation, sensitivity } = await compare(smallTrace, { ...smallComparison, gpus: [1, 2, 4] })
    expect(sensitivity).to.equal(null)
    expect(allocation).to.include({ gpus: 2, streams: 3, sees: 'actual' })
    expect(allocation.policies.map(p => p.policy)).to.deep.equal(['thief', 'none'])
    const { streams, changes, seconds } = allocation.policies[0]!.allocation!
    expect({ streams, seconds }).to.deep.equal({ streams: ['a', 'b', 'c'], seconds: 200 })
    expect(changes[0]!.at).to.equal(0)
    const held = changes.map(({ inference, training }) =>
      [...inference, ...training].reduce((sum, share) => sum + share, 0),
    )
    for (const share of held) expect(share).to.be.within(0, 2 + 1e-9)
    expect(changes[0]!.training.some(share => share > 0)).to.equal(true)
    // Stream c has no second window.
    expect(changes.find(({ at }) => at === 100)!.inference[2]).to.equal(0)
  })

  it('varies step, window and noise of that cell, one at a time', async () => {
    const { sensitivity } = await compare(smallTrace, {
      ...smallComparison,
      delaySeconds: 50,
      gpus: [2],
      sensitivity: true,
    })
    const values = (varied: 'step' | 'window' | 'noise') =>
      sensitivity![varied].filter(point => point.policy === 'thief').map(point => point.value)
    expect(values('step')).to.deep.equal([1, 0.5, 0.25, 0.1, 0.05])
    expect(values('window'), 'a window must last longer than the delay').to.deep.equal([100, 200, 400, 600])
    expect(values('noise')).to.deep.equal([0, 0.05, 0.1, 0.2, 0.5])
    const [exact, ...noisy] = sensitivity!.noise.filter(point => point.policy === 'thief')
    expect(exact).to.not.have.any.keys('lowest', 'highest')
    for (const { lowest, meanAccuracy, highest } of noisy) {
      expect(meanAccuracy).to.be.at.least(lowest!)
      expect(meanAccuracy).to.be.at.most(highest!)
    }
  }).timeout(30_000)

  it('never has what is chosen in hindsight see estimates', async () => {
    const policies = [choice('thief'), choice('oracle-best-fixed')]
    const options = { ...smallComparison, gpus: [1], streams: [3], policies, sensitivity: true }
    const both = await compare(smallTrace, options)
    const seenBy = (name: string, { cells }: typeof both) =>
      cells.filter(({ policy }) => policy === name).map(({ sees }) => sees)
    expect(seenBy('thief', both)).to.deep.equal(['actual', 'estimate'])
    expect(seenBy('oracle-best-fixed', both)).to.deep.equal(['actual'])
    expect(both.settings.inHindsight).to.deep.equal(['oracle-best-fixed'])
    const varied = (points: readonly { readonly policy: string }[]) =>
      new Set(points.map(({ policy }) => policy))
    expect(varied(both.sensitivity!.step)).to.have.all.keys('thief', 'oracle-best-fixed')
    expect(varied(both.sensitivity!.noise)).to.have.all.keys('thief')

    const estimates = await compare(smallTrace, { ...options, sees: ['estimate'] })
    expect(seenBy('thief', estimates)).to.deep.equal(['estimate'])
    expect(seenBy('oracle-best-fixed', estimates)).to.deep.equal(['actual'])
    expect(varied(estimates.sensitivity!.window)).to.have.all.keys('thief')
    expect(estimates.allocation.policies.map(({ policy }) => policy)).to.deep.equal(['thief'])
  }).timeout(30_000)

  it('reports a policy that fails in its cells, and goes on with the rest', async () => {
    // The schedule suits one stream only.
    const schedule = { 1: { 0: { a_0_inference: 1 } }, 2: { 0: { a_0_inference: 3 } } }
    const comparison = await compare(smallTrace, {
      ...smallComparison,
      gpus: [1],
      sees: ['actual'],
      policies: [choice('replay', { schedule }), choice('none')],
    })
    const [replay, none] = comparison.cells
    expect(replay).to.include({ policy: 'replay', meanAccuracy: null })
    expect(replay!.error).to.match(/gives 3 GPUs/)
    expect(none!.meanAccuracy).to.be.a('number')
    expect(comparison.allocation.policies.map(p => p.allocation === null)).to.deep.equal([true, false])
    expect(failures(comparison)[0]).to.match(
      /^replay with 1 stream on 1 GPU, sees actual: the policy gives 3/,
    )
  })
})
