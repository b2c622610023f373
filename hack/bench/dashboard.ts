/**
 * Server time of the dashboard's pages for a large site: node hack/bench/dashboard.ts [--json]
 *
 * 1,000 streams in 2 retraining windows with 100 windows of history each, all of it with records of all streams (a status that the API
 * server would have made smaller). Time from the request to the last byte, in this process; `first` is the one after a change,
 * when the records have to be found anew; `cpu` is the mean processor time of a request, client and collector of garbage included. `/healthz` in the same run tells what a request costs that does nothing.
 */

import { createLiveHub } from '../../operator/server/dashboard/live.ts'
import { startServer } from '../../operator/server/server.ts'
import { exampleNow, exampleSite } from '../../operator/server/testing/example-site.ts'
import { exampleView } from '../../operator/server/testing/example-view.ts'
import { machine } from './support/machine.ts'

const rounds = 60
const paths = [
  '/healthz',
  '/',
  '/?page=20&sort=gain',
  '/?name=99',
  '/windows/site/crossing',
  '/windows/site/site-1?page=10&gpus=9',
  '/streams/site/cam-7',
]

const server = await startServer({
  address: '127.0.0.1:0',
  metrics: { contentType: 'text/plain', metrics: async () => '' },
  health: () => ({ healthy: true, problems: [], eventLoopDelayMs: 0, heartbeatAgeMs: 0 }),
  awaited: () => [],
  view: () => exampleView,
  dashboard: {
    site: exampleSite({ windows: 2, streams: 500, history: 100, gpus: 50 }),
    frame: () => ({ version: 'bench', leads: true }),
    live: createLiveHub(),
    now: () => exampleNow,
  },
  log: { error: (_, message) => console.error(message) },
})
const results = []
for (const path of paths) {
  const times: number[] = []
  let bytes = 0
  const used = process.cpuUsage()
  for (let i = 0; i < rounds; i++) {
    const begun = performance.now()
    const answer = await fetch(server.url + path)
    bytes = (await answer.arrayBuffer()).byteLength
    times.push(performance.now() - begun)
    if (!answer.ok) throw new Error(`${path}: ${answer.status}`)
  }
  const { user, system } = process.cpuUsage(used)
  const cpu = Number(((user + system) / 1000 / rounds).toFixed(1))
  const [first] = times
  times.sort((a, b) => a - b)
  const at = (part: number): number => Number(times[Math.floor(part * (times.length - 1))]!.toFixed(1))
  results.push({
    path,
    kB: Math.round(bytes / 1000),
    first: Number(first!.toFixed(1)),
    p50: at(0.5),
    p95: at(0.95),
    worst: at(1),
    cpu,
  })
}
await server.close()
if (process.argv.includes('--json'))
  process.stdout.write(`${JSON.stringify({ machine: machine(), results }, null, 2)}\n`)
else {
  console.log(`${machine()}; ms from request to last byte, ${rounds} requests each`)
  console.table(results)
}
