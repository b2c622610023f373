/** node hack/reference/trajectory-inputs.ts FOLDER: writes what loss_trajectories.py trains: models, pixels, labels and rates. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { trajectories } from '../../workers/learning/testing/trajectories.ts'

const [folder] = process.argv.slice(2)
if (folder === undefined) {
  console.error('usage: node hack/reference/trajectory-inputs.ts FOLDER')
  process.exit(2)
}
await mkdir(folder, { recursive: true })
const cases = []
for (const [i, { name, model, images, configuration }] of trajectories().entries()) {
  await writeFile(join(folder, `${i}.onnx`), model)
  await writeFile(join(folder, `${i}.pixels`), images.pixels)
  cases.push({ name, shape: images.shape, labels: [...images.labels], ...configuration })
}
await writeFile(join(folder, 'cases.json'), JSON.stringify(cases))
