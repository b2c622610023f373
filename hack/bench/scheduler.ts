/**
 * How long the policies take, and what their plans are worth: node hack/bench/scheduler.ts [--json] [--quick]
 *
 * First the paper's case: 10 streams, 8 GPUs, 18 retraining configurations, Δ = 0.1 (Ekya: 9.4 s); then growth with the number of streams
 * at ten streams a GPU. The thief weighs every job against every other one: beyond 100 streams the operator plans by `horizon` instead, beyond 300 it is left out here. Every case runs
 * in a process of its own, so that memory is that of the case. `--quick`: 3 runs instead of 21.
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { policies } from '../../operator/scheduler/policies/registry.ts'
import { machine } from './support/machine.ts'
import { makeProblem, type Size } from './support/problems.ts'

export interface Timing {
  readonly policy: string
  readonly streams: number
  readonly gpus: number
  readonly configurations: number
  readonly step: number
  /** Measured MPS throughput curve and two seconds for a resize, or speed in proportion to share. */
  readonly speed: 'linear' | 'curve'
  readonly pool: boolean
  readonly milliseconds: { readonly median: number; readonly worst: number }
  readonly predictedAccuracy: number
  /** Largest resident set of the process, the runtime's own (about 70 MB) included. */
  readonly megabytes: number
}

interface Case {
  readonly policy: string
  readonly size: Size & Pick<Timing, 'pool'>
}

const size = (streams: number, gpus: number, step: number, rest: Partial<Size> = {}) => ({
  streams,
  gpus,
  configurations: 18,
  step,
  speed: 'linear' as const,
  pool: false,
  ...rest,
})

const paper = [size(10, 8, 0.1), size(10, 2, 0.05), size(10, 2, 0.05, { speed: 'curve' })]
const growth = [10, 30, 100, 300, 1000].map(streams => size(streams, streams / 10, 0.05))
const pools = [10, 30, 100, 300].map(streams => size(streams, (streams * 8) / 10, 0.1, { pool: true }))
/** Its time grows with the square of the jobs, times the steps. */
const mostStreamsOfThief = 300

const planning = Object.keys(policies).filter(name => !policies[name]!.poolOnly)

const cases: readonly Case[] = [
  ...paper.flatMap(s => planning.map(policy => ({ policy, size: s }))),
  ...growth.flatMap(s =>
    ['horizon', 'thief'].flatMap(policy =>
      policy === 'thief' && s.streams > mostStreamsOfThief ? [] : [{ policy, size: s }],
    ),
  ),
  ...pools.map(of => ({ policy: 'horizon', size: of })),
]

function measure({ policy, size: of }: Case, runs: number): Timing {
  const { plan } = policies[policy]!
  let accuracy = 0
  const times = Array.from({ length: runs }, (_, seed) => {
    const problem = makeProblem(of, seed + 1)
    const started = performance.now()
    accuracy += plan(problem, {}).predictedAccuracy ?? 0
    return performance.now() - started
  })
  times.sort((a, b) => a - b)
  return {
    policy,
    ...of,
    milliseconds: { median: times[Math.floor(runs / 2)]!, worst: times.at(-1)! },
    predictedAccuracy: accuracy / runs,
    megabytes: process.resourceUsage().maxRSS / 1024,
  }
}

/** In a process of its own, whose heap (about 65 MB of it in use at 1,000 streams) does not grow for want of a reason to collect. */
function measureApart(one: Case, runs: number): Timing {
  const file = fileURLToPath(import.meta.url)
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    ['--max-old-space-size=96', '--max-semi-space-size=8', file, '--case', JSON.stringify(one), String(runs)],
    { encoding: 'utf8' },
  )
  if (status !== 0) throw new Error(`${one.policy} with ${one.size.streams} streams: ${stderr}`)
  return JSON.parse(stdout) as Timing
}

function main(args: readonly string[]): void {
  const at = args.indexOf('--case')
  if (at >= 0) {
    const one = JSON.parse(args[at + 1]!) as Case
    process.stdout.write(JSON.stringify(measure(one, Number(args[at + 2]))))
    return
  }
  const runs = args.includes('--quick') ? 3 : 21
  const timings = cases.map(one => measureApart(one, runs))
  if (args.includes('--json')) {
    process.stdout.write(`${JSON.stringify({ machine: machine(), runs, timings }, null, 2)}\n`)
    return
  }
  console.log(`${machine()}; median of ${runs} runs`)
  console.table(
    timings.map(({ milliseconds, predictedAccuracy, megabytes, ...rest }) => ({
      ...rest,
      'median ms': Number(milliseconds.median.toFixed(1)),
      'worst ms': Number(milliseconds.worst.toFixed(1)),
      'ms per stream': Number((milliseconds.median / rest.streams).toFixed(2)),
      MB: Math.round(megabytes),
      'predicted accuracy': Number(predictedAccuracy.toFixed(4)),
    })),
  )
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href)
  main(process.argv.slice(2))
