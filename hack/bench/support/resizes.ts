/** What `hack/bench/resizes.ts` runs. */
import { writeFileSync } from 'node:fs'
import { type ResizeFigures, type Style, testResizes } from '../../../e2e/support/resize-suite.ts'

const number = (name: string, fallback: number): number => Number(process.env[name] ?? fallback)
const file = process.env.EKYA_BENCH_JSON
const figures: ResizeFigures[] = []

for (const style of (process.env.EKYA_BENCH_STYLES ?? 'replace').split(',') as Style[])
  testResizes({
    style,
    resizes: number('EKYA_BENCH_RESIZES', 200),
    streams: number('EKYA_BENCH_STREAMS', 4),
    seed: number('EKYA_BENCH_SEED', 1),
    least: number('EKYA_BENCH_LEAST', 15),
    cpuSamples: number('EKYA_BENCH_CPU_SAMPLES', 8),
    containers: process.env.EKYA_BENCH_NODE === 'real',
    onFigures(more) {
      figures.push(more)
      if (file !== undefined) writeFileSync(file, JSON.stringify(figures))
    },
  })
