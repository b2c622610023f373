/** What `hack/bench/resizes.ts` runs. */
import { expect } from 'chai'
import { ResizingSite, type Shares } from '../../../e2e/support/resizes.ts'
import { useSite } from '../../../e2e/support/site.ts'
import { random } from '../../../workers/models/random.ts'

const frameRate = 10
const number = (name: string, fallback: number): number => Number(process.env[name] ?? fallback)
const resizes = number('EKYA_BENCH_RESIZES', 200)
const streams = Array.from({ length: number('EKYA_BENCH_STREAMS', 4) }, (_, i) => `cam-${i}`)
const seed = number('EKYA_BENCH_SEED', 1)
/** Units that are moved at once, or a multiple. */
const moved = 5
const least = number('EKYA_BENCH_LEAST', moved)

const quantile = (sorted: readonly number[], q: number): string =>
  (sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN).toFixed(2)

describe(`${resizes} resizes by new pods, ${streams.length} streams at ${frameRate} fps`, function () {
  this.timeout(3_600_000)
  const site = useSite({
    cpus: 3,
    backend: 'cpu-replace',
    containers: process.env.EKYA_BENCH_NODE === 'real',
  })
  const gpu = new ResizingSite(site, streams)

  it('lose no frame and analyse none twice', async () => {
    const draw = random(seed, 'resizes')
    const whole = Math.floor(100 / streams.length / moved) * moved
    const shares: Record<string, number> = Object.fromEntries(streams.map(stream => [stream, whole]))
    await gpu.begin(frameRate)
    await gpu.setShares(shares)
    await gpu.settles(shares, 'the first shares')
    const changes: number[] = []
    for (let done = 0; done < resizes; done += 2) {
      const givers = streams.filter(stream => shares[stream]! - moved >= least)
      const giver = givers[draw.integer(givers.length)]!
      const others = streams.filter(stream => stream !== giver)
      const taker = others[draw.integer(others.length)]!
      const amount = moved * (1 + draw.integer(Math.floor((shares[giver]! - least) / moved)))
      shares[giver]! -= amount
      shares[taker]! += amount
      const begun = performance.now()
      await gpu.setShares(shares as Shares)
      await gpu.settles(shares, `resize ${done + 1}`)
      changes.push((performance.now() - begun) / 1000)
      if (done % 20 === 18) process.stdout.write(`      ${done + 2} resizes\n`)
    }
    const now = await gpu.frameNow(frameRate)
    const accounts = await Promise.all(streams.map(stream => gpu.account(stream, now)))
    const sum = (of: (account: (typeof accounts)[number]) => number): number =>
      accounts.reduce((total, account) => total + of(account), 0)
    const swaps = gpu.swapSeconds.toSorted((a, b) => a - b)
    const pairs = changes.toSorted((a, b) => a - b)
    const frames = sum(({ first, last }) => last - first + 1)
    const lost = frames - sum(({ offered }) => offered)
    const twice = sum(account => account.twice.length)
    const restarts = gpu.restarts
    process.stdout.write(`
      resizes            ${swaps.length}
      frames             ${frames}
      lost               ${lost}
      analysed twice     ${twice}
      dropped, too late  ${sum(({ dropped }) => dropped)}
      pod made to first frame   p50 ${quantile(swaps, 0.5)} s, p95 ${quantile(swaps, 0.95)} s
      two shares changed, old pods gone   p50 ${quantile(pairs, 0.5)} s, p95 ${quantile(pairs, 0.95)} s
      books seen ${gpu.observations} times: at most ${gpu.most.steady} units steady, ${gpu.most.total} in all, ${gpu.most.pods} pods
      restarts of containers    ${restarts}
`)
    expect({ lost, twice, restarts }).to.deep.equal({ lost: 0, twice: 0, restarts: 0 })
    expect(gpu.most.steady).to.be.at.most(100)
    expect(swaps.length).to.be.at.least(resizes)
  })
})
