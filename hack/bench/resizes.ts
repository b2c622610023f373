/**
 * Many changes of shares under streams:
 *
 *   node hack/bench/resizes.ts [--style both|replace|in-place] [--resizes 200] [--streams 4] [--seed 1] [--node process|real] [--least 15]
 *                              [--cpu-samples 8] [--json FILE]
 *
 * A control plane, a process node (or a real one: kubelet and containers, root on Debian) and the operator; shares move at random from one
 * stream to another and back, while all streams are served at 10 frames a second. `replace`: by new pods (backend cpu-replace);
 * `in-place`: the backend cpu. So many resizes are made in each style. `--least`: units that each stream keeps. Told are the frames that
 * were lost, dropped, analysed twice and had by two pods, by the workers' own books, how long a resize took, and restarts of containers. On a
 * real node shares move `--cpu-samples` times more with a loop beside each worker that wants all cpu time it can get, and told is what the
 * kernel gave each pod of its share. A real node's pods go before whatever else the machine does. `--json`: every single figure. Exit code 1
 * when a frame was lost or analysed twice, a container was restarted, or cpu time was more than 10 % off a share.
 */
import { spawnSync } from 'node:child_process'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { sharesMoveBy } from '../../e2e/support/share-moves.ts'

const { values } = parseArgs({
  options: {
    style: { type: 'string', default: 'both' },
    resizes: { type: 'string', default: '200' },
    streams: { type: 'string', default: '4' },
    seed: { type: 'string', default: '1' },
    node: { type: 'string', default: 'process' },
    least: { type: 'string', default: '15' },
    'cpu-samples': { type: 'string', default: '8' },
    json: { type: 'string' },
  },
})

const accepted = { style: ['both', 'replace', 'in-place'], node: ['process', 'real'] } as const
for (const name of ['style', 'node'] as const) {
  if ((accepted[name] as readonly string[]).includes(values[name])) continue
  process.stderr.write(
    `resizes: --${name} ${values[name]} is not accepted; accepted: ${accepted[name].join(', ')}\n`,
  )
  process.exit(2)
}

const [streams, least] = [Number(values.streams), Number(values.least)]
// Equal parts to begin with, in the steps in which shares move.
const most = Math.floor(100 / streams / sharesMoveBy) * sharesMoveBy - sharesMoveBy
if (!(Number.isInteger(streams) && streams >= 2 && least >= 1 && least <= most)) {
  process.stderr.write(
    `resizes: --streams ${values.streams} --least ${values.least}: accepted are 2 streams or more and a least share of 1 unit or more that leaves room to move${most >= 1 ? `, here at most ${most}` : ''}\n`,
  )
  process.exit(2)
}

const root = fileURLToPath(new URL('../..', import.meta.url))
// The site's parts are put up and taken down as for tests.
process.exitCode =
  spawnSync(
    process.execPath,
    [`${root}node_modules/mocha/bin/mocha.js`, `${root}hack/bench/support/resizes.ts`],
    {
      stdio: 'inherit',
      env: {
        ...process.env,
        EKYA_BENCH_STYLES: values.style === 'both' ? 'replace,in-place' : values.style,
        EKYA_BENCH_RESIZES: values.resizes,
        EKYA_BENCH_STREAMS: values.streams,
        EKYA_BENCH_SEED: values.seed,
        EKYA_BENCH_NODE: values.node,
        EKYA_BENCH_LEAST: values.least,
        EKYA_BENCH_CPU_SAMPLES: values['cpu-samples'],
        ...(values.json !== undefined && { EKYA_BENCH_JSON: resolve(values.json) }),
      },
    },
  ).status ?? 1
