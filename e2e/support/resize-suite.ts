/**
 * A number of resizes in one style under streams of 10 frames a second, and what came of it: for the benchmark, and a short one for CI.
 */
import { expect } from 'chai'
import { cpuBackend } from '../../operator/sharing/backends/cpu.ts'
import { cpuReplaceBackend } from '../../operator/sharing/backends/cpu-replace.ts'
import { random } from '../../workers/models/random.ts'
import { type CpuTime, measureCpuTime } from './cpu-time.ts'
import { ResizingSite } from './resizes.ts'
import { ShareMoves, sharesMoveBy } from './share-moves.ts'
import { useSite } from './site.ts'

/** By a new pod, or through the pod's own resources. */
export type Style = 'replace' | 'in-place'

export interface ResizeSuite {
  readonly style: Style
  readonly resizes: number
  readonly streams: number
  readonly seed: number
  /** Units that each stream keeps. */
  readonly least: number
  /** So many times more shares change, and it is measured how cpu time follows; on a real node alone. */
  readonly cpuSamples: number
  /** A real node. */
  readonly containers: boolean
}

const frameRate = 10
/** Seconds over which cpu time is counted, several tens of enforcement periods. */
const sampleSeconds = 4
/** Part of a share that cpu time may be off. */
const tolerance = 0.1
/** In place as many cores as a "GPU" is with new pods: half of two, so that the machine can give what shares promise. */
const coresInPlace = '1'

export function testResizes({ style, resizes, seed, least, cpuSamples, containers, ...suite }: ResizeSuite) {
  const streams = Array.from({ length: suite.streams }, (_, i) => `cam-${i}`)
  const backend = style === 'replace' ? cpuReplaceBackend : cpuBackend

  describe(`${resizes} resizes ${style === 'replace' ? 'by new pods' : 'in place'} on a ${containers ? 'real' : 'process'} node, ${suite.streams} streams at ${frameRate} fps`, function () {
    this.timeout(3_600_000)
    const site = useSite({
      cpus: 3,
      backend: backend.name,
      containers,
      labels: style === 'replace' ? {} : { 'ekya.dev/cpu-cores': coresInPlace },
    })
    const gpu = new ResizingSite(site, streams, backend)
    const moves = new ShareMoves(gpu, { streams, draw: random(seed, 'resizes'), moved: sharesMoveBy, least })

    it('lose no frame and analyse none twice', async () => {
      await gpu.begin(frameRate)
      await moves.begin()
      gpu.resizeSeconds.length = 0
      const both: number[] = []
      for (let done = 0; done < resizes; done += 2) {
        both.push(await moves.next())
        if (done % 20 === 18) process.stdout.write(`      ${done + 2} resizes\n`)
      }
      const now = await gpu.frameNow(frameRate)
      const accounts = await Promise.all(streams.map(stream => gpu.account(stream, now)))
      const sum = (of: (account: (typeof accounts)[number]) => number): number =>
        accounts.reduce((total, account) => total + of(account), 0)
      const frames = sum(({ first, last }) => last - first + 1)
      const lost = sum(account => account.lost)
      const twice = sum(account => account.twice.length)
      const { restarts, resizeSeconds, swapSeconds, most } = gpu
      process.stdout.write(`
      resizes            ${resizeSeconds.length}
      frames             ${frames}
      lost               ${lost}
      analysed twice     ${twice}
      dropped, too late  ${sum(({ dropped }) => dropped)}
      from the plan to its share alone   ${quantiles(resizeSeconds)}
      two shares changed                 ${quantiles(both)}
${swapSeconds.length === 0 ? '' : `      pod made to first frame            ${quantiles(swapSeconds)}\n`}\
      books seen ${gpu.observations} times: at most ${most.steady} units steady, ${most.total} in all, ${most.pods} pods
      restarts of containers    ${restarts}
`)
      expect({ lost, twice, restarts }).to.deep.equal({ lost: 0, twice: 0, restarts: 0 })
      expect(most.steady).to.be.at.most(100)
      expect(resizeSeconds.length).to.be.at.least(resizes)
    })

    if (containers && cpuSamples > 0)
      it('give cpu time by the shares', async () => {
        const samples: CpuTime[] = []
        for (let i = 0; i < cpuSamples; i++) {
          await moves.next()
          samples.push(...(await measureCpuTime(site, gpu, sampleSeconds)))
        }
        const off = samples.map(({ share, used }) => used / share - 1)
        const bound = samples.filter(({ throttled }) => throttled > 0.95)
        const offBound = bound.map(({ share, used }) => used / share - 1)
        process.stdout.write(`
      cpu time of ${samples.length} pods with a loop beside the worker, ${sampleSeconds} s each, by what its share is:
      all                                   ${spread(off)}
      ${String(bound.length).padEnd(3)} that used their share up in each period   ${spread(offBound)}
`)
        // Nobody ever gets more; that the machine has as much to give is not for shares to see to.
        expect(Math.max(...off)).to.be.at.most(tolerance)
        for (const each of offBound) expect(each).to.be.at.least(-tolerance)
        expect(gpu.restarts).to.equal(0)
      })
  })
}

function quantiles(seconds: readonly number[]): string {
  const sorted = seconds.toSorted((a, b) => a - b)
  const at = (q: number): string =>
    (sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN).toFixed(2)
  return `p50 ${at(0.5)} s, p95 ${at(0.95)} s`
}

const percent = (part: number): string => `${part > 0 ? '+' : ''}${(100 * part).toFixed(1)} %`

const spread = (off: readonly number[]): string =>
  off.length === 0
    ? 'none'
    : `${percent(Math.min(...off))} to ${percent(Math.max(...off))}, mean ${percent(off.reduce((sum, each) => sum + each, 0) / off.length)}`
