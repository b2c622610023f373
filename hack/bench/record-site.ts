/**
 * Records what estimators are asked and what came of it, on the demo's cameras and configurations, to score them by (estimators.ts).
 *
 *   npm run bench -- record-site --out FILE.json [--images FOLDER] [--cameras 0,1,2] [--windows 7]
 *
 * With a folder of sample lists its cameras, else generated streets of the demo's kind.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { parse } from 'yaml'
import type { RetrainingConfiguration } from '../../operator/api/worker.ts'
import { generatedCamera, sampledCamera } from './support/cameras.ts'
import { recordCamera } from './support/record-site.ts'

const { values } = parseArgs({
  options: {
    out: { type: 'string' },
    images: { type: 'string' },
    cameras: { type: 'string' },
    windows: { type: 'string', default: '7' },
    seed: { type: 'string', default: '1' },
  },
})
if (values.out === undefined) {
  console.error(
    'usage: npm run bench -- record-site --out FILE.json [--images FOLDER] [--cameras 0,1] [--windows 7]',
  )
  process.exit(2)
}
const count = Number(values.windows)
const local = (path: string): string => new URL(`../../${path}`, import.meta.url).pathname
const demo = parse(await readFile(local('hack/demo/retraining-window.yaml'), 'utf8'))
const configurations = (
  demo.spec.retraining.configurations as Omit<RetrainingConfiguration, 'dataFraction'>[]
).map((each): RetrainingConfiguration => ({ dataFraction: 1, ...each }))

/** Of the demo, and eight more. */
const seeds = [47, 1, 6, 4, 61, 62, 63, 64, 65, 66, 67, 68]
const cameras = values.cameras?.split(',').map(Number)
const sources = values.images === undefined ? (cameras ?? seeds) : (cameras ?? [0, 1, 2, 3, 4, 5])
const recorded = []
for (const source of sources) {
  const camera = await (values.images === undefined
    ? generatedCamera(source, count)
    : sampledCamera(values.images, source, count))
  recorded.push(
    await recordCamera(camera, {
      configurations,
      seed: Number(values.seed),
      fresh: 0.06,
      soFar: 0.25,
      validationFraction: 0.3,
      historyWindows: 2,
      minGain: 0.01,
      microProfiler: { epochs: 5, sampleFraction: 0.1 },
    }),
  )
  console.log(`${camera.name}: ${recorded.at(-1)!.windows.length} windows`)
  await writeFile(values.out, JSON.stringify({ configurations, cameras: recorded }))
}
