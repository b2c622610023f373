/**
 * Server time of the dashboard's pages for a large site: node hack/bench/dashboard.ts [--json]
 *
 * 1,000 streams in 2 retraining windows with 100 windows of history each, all of it with records of all streams (a status that the API
 * server would have made smaller), and a storage with four windows of kept frames. Three parts: one reader; eight readers at once, while
 * the site changes every second; 64 open pages, as many as there may be, which fetch themselves again after each change.
 *
 * `server` is from the request's head to the last byte given to the kernel, `reader` from the request to the last byte as a reader in
 * another thread sees it, waiting for others included; `cpu`, with one reader alone, is the processor time of the server's thread, which
 * other work on the machine does not lengthen much. `/healthz` tells what a request costs that does nothing.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RetrainingWindow } from '../../operator/api/generated/types.ts'
import { framesList, labelsList, samplesFolder } from '../../operator/api/storage.ts'
import { membership } from '../../operator/cluster/selection.ts'
import { clusterView } from '../../operator/server/cluster-view.ts'
import { createLiveHub } from '../../operator/server/dashboard/live.ts'
import { createSampleReader } from '../../operator/server/dashboard/samples.ts'
import { startServer } from '../../operator/server/server.ts'
import { exampleNow, exampleSite } from '../../operator/server/testing/example-site.ts'
import { formatKeptFrame, framesHeader } from '../../workers/runtime/sample-folder.ts'
import { type Answer, type ReadersWork, runReaders } from './support/dashboard-readers.ts'
import { machine } from './support/machine.ts'
import { type Times, timeRequests } from './support/request-times.ts'

const paths = [
  '/healthz',
  '/',
  '/?page=20&sort=gain',
  '/?name=99',
  '/windows/site/crossing',
  '/windows/site/site-1?page=10&gpus=9',
  '/streams/site/cam-7',
  '/streams/site/cam-1-480',
  '/status.json',
]
const alone = 100
const atOnce = { readers: 8, rounds: 20 }
/** The hub's bound. */
const openPages = 64
const changes = 10
const changeEveryMs = 1000
const classes = ['car', 'bus', 'truck', 'bicycle', 'motorcycle', 'pedestrian']

const folder = mkdtempSync(join(tmpdir(), 'ekya-bench-'))
for (const stream of ['cam-7', 'cam-1-480']) keepFrames(stream)
const example = exampleSite({ windows: 2, streams: 500, history: 100, gpus: 50 }, createSampleReader(folder))
let windows = example.cluster.windows.list()
const live = createLiveHub()
const cluster: typeof example.cluster = {
  ...example.cluster,
  windows: {
    get: (key: string) => windows.find(({ metadata }) => `${metadata.namespace}/${metadata.name}` === key),
    list: () => windows,
  } as never,
  membership: stream => membership(stream, windows),
}
const server = await startServer({
  address: '127.0.0.1:0',
  metrics: { contentType: 'text/plain', metrics: async () => '' },
  health: () => ({ healthy: true, problems: [], eventLoopDelayMs: 0, heartbeatAgeMs: 0 }),
  awaited: () => [],
  view: () => clusterView(cluster, { leads: true }, 'bench'),
  dashboard: {
    site: { ...example, cluster },
    frame: () => ({ version: 'bench', leads: true }),
    live,
    now: () => exampleNow,
  },
  log: { error: (_, message) => console.error(message) },
})
const parts = []
try {
  const common = { url: server.url, paths, live: false }
  await runReaders({ ...common, readers: 1, rounds: 5 })
  parts.push(await measure('one reader', { ...common, readers: 1, rounds: alone }))
  const changing = setInterval(change, changeEveryMs)
  parts.push(
    await measure(`${atOnce.readers} readers, a change each ${changeEveryMs} ms`, { ...common, ...atOnce }),
    await measure(`${openPages} open pages, a change each ${changeEveryMs} ms`, {
      ...{ url: server.url, readers: openPages, rounds: changes, live: true },
      paths: paths.slice(1, -1),
    }),
  )
  clearInterval(changing)
} finally {
  await server.close()
  rmSync(folder, { recursive: true })
}
if (process.argv.includes('--json'))
  process.stdout.write(`${JSON.stringify({ machine: machine(), parts }, null, 2)}\n`)
else {
  console.log(`${machine()}; ms`)
  for (const { name, eventLoop, pages } of parts) {
    const { busy, p99, most } = eventLoop
    console.log(
      `\n${name}: the event loop is busy ${busy} % of the time and late by ${p99} (p99), ${most} at most`,
    )
    console.table(pages)
  }
}

async function measure(name: string, work: ReadersWork) {
  let answers: readonly Answer[] = []
  const { byPath, eventLoop } = await timeRequests(async () => {
    answers = await runReaders(work)
  })
  const row = (path: string, times: readonly (Times | undefined)[], read: readonly Answer[]) => ({
    path,
    requests: read.length,
    kB: Math.round(Math.max(...read.map(({ bytes }) => bytes)) / 1000),
    ...(work.readers === 1
      ? percentiles(
          'cpu',
          times.flatMap(each => each?.cpu ?? []),
        )
      : {}),
    ...percentiles(
      'server',
      times.flatMap(each => each?.ms ?? []),
    ),
    ...percentiles(
      'reader',
      read.map(({ ms }) => ms),
    ),
  })
  return {
    name,
    eventLoop: {
      busy: Math.round(eventLoop.busy * 100),
      p99: rounded(eventLoop.p99),
      most: rounded(eventLoop.most),
    },
    pages: [
      ...work.paths.map(path =>
        row(
          path,
          [byPath.get(path)],
          answers.filter(answer => answer.path === path),
        ),
      ),
      row(
        'all',
        work.paths.flatMap(path => byPath.get(path) ?? []),
        answers,
      ),
    ],
  }
}

function percentiles(name: string, values: readonly number[]): Record<string, number> {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (part: number): number => rounded(sorted[Math.ceil(part * sorted.length) - 1] ?? Number.NaN)
  return { [`${name} p50`]: at(0.5), [`${name} p99`]: at(0.99), [`${name} max`]: at(1) }
}

/** A store gives another object for each state. */
function change(): void {
  windows = windows.map((window): RetrainingWindow => ({ ...window, status: { ...window.status! } }))
  live.changed()
}

function keepFrames(stream: string): void {
  for (let window = 97; window <= 100; window++) {
    const at = join(folder, samplesFolder('site', stream, window))
    mkdirSync(at, { recursive: true })
    const rows = Array.from({ length: 200 }, (_, i) => ({
      ...{ frame: i * 5, image: `${i * 5}.jpg`, fresh: true },
      ...{ served: classes[i % 6]!, label: classes[i % 5]! },
    }))
    const kept = rows.map((row, i) => formatKeptFrame(i, row))
    writeFileSync(join(at, framesList), framesHeader + kept.join(''))
    const labels = rows.map(({ image, label }, i) => `${i},${i % 5},${image},${label}\n`)
    writeFileSync(join(at, labelsList), `idx,class,imgpath,name\n${labels.join('')}`)
  }
}

function rounded(ms: number): number {
  return Number(ms.toFixed(1))
}
