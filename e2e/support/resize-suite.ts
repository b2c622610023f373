/**
 * A number of resizes in one style under streams of 10 frames a second, and what came of it: for the benchmark, and a short one for CI.
 */
import { expect } from 'chai'
import { before } from 'mocha'
import { cpuBackend } from '../../operator/sharing/backends/cpu.ts'
import { cpuReplaceBackend } from '../../operator/sharing/backends/cpu-replace.ts'
import { random } from '../../workers/models/random.ts'
import { type CpuTime, measureCpuTime } from './cpu-time.ts'
import type { Account } from './frame-account.ts'
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
  /** Told all that was measured, once it has been. */
  readonly onFigures?: (figures: ResizeFigures) => void
}

/** Times in seconds; frames as of `Account`. */
export type ResizeFigures =
  | {
      readonly style: Style
      readonly resizeSeconds: readonly number[]
      readonly swapSeconds: readonly number[]
      readonly accounts: readonly Account[]
      readonly restarts: number
    }
  | { readonly style: Style; readonly cpuTime: readonly CpuTime[] }

const frameRate = 10
/** Seconds over which cpu time is counted, several tens of enforcement periods. */
const sampleSeconds = 4
/** What is late so near a hand-over is told apart. */
const handOverSeconds = 2
/** Part of a share that cpu time may be off. */
const tolerance = 0.1
/** In place as many cores as a "GPU" is with new pods: half of two, so that the machine can give what shares promise. */
const coresInPlace = '1'

export function testResizes({
  style,
  resizes,
  seed,
  least,
  cpuSamples,
  containers,
  onFigures = () => {},
  ...suite
}: ResizeSuite): void {
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
    // What a node promises its pods must be there to be given: other work on the machine is not what is measured.
    if (containers) before(() => site.containers().preferPods())

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
      const lost = sum(account => account.lost.length)
      const twice = sum(account => account.twice.length)
      const shared = sum(account => account.shared.length)
      const { restarts, resizeSeconds, swapSeconds, most } = gpu
      onFigures({
        style,
        resizeSeconds: [...resizeSeconds],
        swapSeconds: [...swapSeconds],
        accounts,
        restarts,
      })
      process.stdout.write(`
      resizes            ${resizeSeconds.length}
      frames             ${frames}
      lost               ${lost}
      analysed twice     ${twice}
      had by two pods    ${shared}
      dropped, too late  ${sum(({ late }) => late.length)}${
        swapSeconds.length === 0
          ? ''
          : `, ${sum(lateAtHandOver)} of them within ${handOverSeconds} s of a hand-over`
      }
      from the plan to its share alone   ${quantiles(resizeSeconds)}
      two shares changed                 ${quantiles(both)}
${swapSeconds.length === 0 ? '' : `      pod made to first frame            ${quantiles(swapSeconds)}\n`}\
      books seen ${gpu.observations} times: at most ${most.steady} units steady, ${most.total} in all, ${most.pods} pods
      restarts of containers    ${restarts}
`)
      expect({ lost, twice, shared, restarts }).to.deep.equal({ lost: 0, twice: 0, shared: 0, restarts: 0 })
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
        onFigures({ style, cpuTime: samples })
        const off = samples.map(({ share, used }) => used / share - 1)
        process.stdout.write(`
      cpu time of ${samples.length} pods with a loop beside the worker, ${sampleSeconds} s each, by what its share is:
      ${spread(off)}
      a quota was used up in at least ${percent(Math.min(...samples.map(({ throttled }) => throttled)))} of a pod's periods
`)
        for (const [i, each] of off.entries())
          expect(each, JSON.stringify(samples[i])).to.be.within(-tolerance, tolerance)
        expect(gpu.restarts).to.equal(0)
      })
  })
}

function lateAtHandOver({ late, handOvers }: Account): number {
  return late.filter(frame => handOvers.some(first => Math.abs(frame - first) <= handOverSeconds * frameRate))
    .length
}

function quantiles(seconds: readonly number[]): string {
  const sorted = seconds.toSorted((a, b) => a - b)
  const at = (q: number): string =>
    (sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN).toFixed(2)
  return `p50 ${at(0.5)} s, p95 ${at(0.95)} s`
}

const percent = (part: number): string => `${(100 * part).toFixed(1)} %`

const signed = (part: number): string => `${part > 0 ? '+' : ''}${percent(part)}`

const spread = (off: readonly number[]): string =>
  `${signed(Math.min(...off))} to ${signed(Math.max(...off))}, mean ${signed(off.reduce((sum, each) => sum + each, 0) / off.length)}`
