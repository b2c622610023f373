/** The example in docs/extending.md, as it stands there. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect } from 'chai'
import { runWindow } from '../../simulate/window-run.ts'
import type { Policy } from '../policy.ts'
import { gpus, linear, option, problem, stream } from '../testing/problems.ts'

describe('the worked example of docs/extending.md', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ekya-example-'))
  after(() => rmSync(folder, { recursive: true }))
  let bestValue: Policy
  before(async () => {
    const text = readFileSync(new URL('../../../docs/extending.md', import.meta.url), 'utf8')
    const [, code] = /```ts\n(\/\*\* Best-value.*?)```/s.exec(text)!
    // As if it stood in this folder.
    const placed = code!.replaceAll(
      /from '(\.\.?\/[^']+)'/g,
      (_, path) => `from '${new URL(path, import.meta.url)}'`,
    )
    const file = join(folder, 'best-value.ts')
    writeFileSync(file, placed)
    ;({ bestValue } = await import(pathToFileURL(file).href))
  })

  const streams = [
    stream('a', {
      retraining: [option('quick', 0.8, 10), option('slow', 0.9, 60)],
      inference: [linear(0.1)],
    }),
    stream('b', { retraining: [option('no-gain', 0.6, 1)], inference: [linear(0.1)] }),
  ]

  it('plans for physical GPUs', () => {
    const [a, b] = bestValue.plan(problem({ streams }), { inferenceWeight: 0.4 }).items
    expect(a).to.include({ retrainingConfiguration: 'quick', inferenceShare: 0.2, trainingShare: 0.6 })
    expect(b).to.include({ retrainingConfiguration: null, inferenceShare: 0.2 })
  })

  it('runs in the simulator', () => {
    const pool = problem({ streams, gpus: gpus(1), gpuCapacity: 2, averaging: 'samples' })
    const { plan, results } = runWindow(pool, pool, bestValue, {
      policyOptions: {},
      delaySeconds: 0,
      monotonicMs: () => 0,
    })
    expect(results.map(r => r.completesAt)).to.deep.equal([10, null])
    expect(plan.predictedAccuracy).to.be.closeTo((results[0]!.mean + results[1]!.mean) / 2, 1e-12)
  })

  it('refuses a wrong option', () => {
    expect(() => bestValue.plan(problem({ streams }), { inferenceWeight: 2 })).to.throw(
      'policy best-value: inferenceWeight is 2, accepted is a number from 0 to 1',
    )
  })
})
