/**
 * Many resizes by new pods under streams: node hack/bench/resizes.ts [--resizes 200] [--streams 4] [--seed 1] [--node process|real] [--least 5]
 *
 * A control plane, a process node (or a real one: kubelet and containers, root on Debian) with the backend cpu-replace, and the operator;
 * shares move at random, from one stream to another and back, while all streams are served at 10 frames a second. `--least`: units that
 * each stream keeps; with few a container does not start in time. Told are the frames that were lost, dropped and analysed twice, by the
 * workers' own books, and how long a resize took. Exit code 1 when one was lost or analysed twice.
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const { values } = parseArgs({
  options: {
    resizes: { type: 'string', default: '200' },
    streams: { type: 'string', default: '4' },
    seed: { type: 'string', default: '1' },
    node: { type: 'string', default: 'process' },
    least: { type: 'string', default: '5' },
  },
})

if (values.node !== 'process' && values.node !== 'real') {
  process.stderr.write(`resizes: --node ${values.node} is not accepted; accepted: process, real\n`)
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
        EKYA_BENCH_RESIZES: values.resizes,
        EKYA_BENCH_STREAMS: values.streams,
        EKYA_BENCH_SEED: values.seed,
        EKYA_BENCH_NODE: values.node,
        EKYA_BENCH_LEAST: values.least,
      },
    },
  ).status ?? 1
