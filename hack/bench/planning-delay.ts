/**
 * How long the operator's event loop stands still while a large site is planned: node hack/bench/planning-delay.ts [--json]
 *
 * 1,000 streams on 100 GPUs with 18 retraining configurations under `horizon`, five plans one after another, in the planning thread that
 * the operator uses and, for comparison, in place. A timer every 5 ms stands for probes and lease renewals: the delay is how much later
 * than that it fires.
 */

import { answer, type PlanRequest } from '../../operator/controllers/planning/request.ts'
import { createPlanningThread } from '../../operator/controllers/planning/thread.ts'
import { machine } from './support/machine.ts'
import { makeProblem } from './support/problems.ts'

const everyMs = 5
const plans = 5

interface Delay {
  readonly where: 'thread' | 'in place'
  readonly p50: number
  readonly p99: number
  readonly worst: number
  readonly planSeconds: number
}

async function measure(
  where: Delay['where'],
  solve: (request: PlanRequest) => Promise<unknown>,
): Promise<Delay> {
  const requests = Array.from({ length: plans }, (_, seed) => ({
    policy: 'horizon',
    problem: makeProblem(
      { streams: 1000, gpus: 100, configurations: 18, step: 0.05, speed: 'linear' },
      seed + 1,
    ),
    options: {},
  }))
  await solve({
    ...requests[0]!,
    problem: makeProblem({ streams: 10, gpus: 1, configurations: 18, step: 0.05, speed: 'linear' }, 1),
  })
  const delays: number[] = []
  let due = performance.now() + everyMs
  const timer = setInterval(() => {
    const now = performance.now()
    delays.push(Math.max(0, now - due))
    due = now + everyMs
  }, everyMs)
  const started = performance.now()
  for (const request of requests) await solve(request)
  const planSeconds = (performance.now() - started) / 1000 / plans
  // The last timer may be due: it counts.
  await new Promise(resolve => setTimeout(resolve, 2 * everyMs))
  clearInterval(timer)
  delays.sort((a, b) => a - b)
  const at = (part: number): number => delays[Math.min(delays.length - 1, Math.floor(part * delays.length))]!
  return { where, p50: at(0.5), p99: at(0.99), worst: delays.at(-1)!, planSeconds }
}

const thread = createPlanningThread()
const results = [
  await measure('thread', request => thread.solve(request)),
  await measure('in place', async request => answer(request, () => performance.now())),
]
await thread.close()
if (process.argv.includes('--json'))
  process.stdout.write(`${JSON.stringify({ machine: machine(), results }, null, 2)}\n`)
else {
  console.log(`${machine()}; event-loop delay in ms while ${plans} plans for 1,000 streams are made`)
  console.table(
    results.map(({ where, p50, p99, worst, planSeconds }) => ({
      where,
      p50: p50.toFixed(1),
      p99: p99.toFixed(1),
      worst: worst.toFixed(1),
      'seconds a plan': planSeconds.toFixed(2),
    })),
  )
}
