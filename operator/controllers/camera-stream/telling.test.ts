import { expect } from 'chai'
import {
  configVariable,
  type InferenceConfiguration,
  type InferenceStatus,
  type ModelReference,
  type WindowClock,
} from '../../api/worker.ts'
import type { Pod } from '../../cluster/pod.ts'
import { at, camera, pod } from '../testing/site.ts'
import { tell, type Wanted } from './telling.ts'

const serving: InferenceStatus = {
  role: 'inference',
  stream: 'cam-0',
  model: { uri: 'models/first.onnx', digest: 'a'.repeat(64) },
  configuration: 'every-frame',
  window: null,
  frames: { offered: 0, analysed: 0, skipped: 0, dropped: 0 },
  gpuSecondsPerFrame: null,
  latencySeconds: null,
  draining: false,
}
const clock: WindowClock = { index: 3, startsAt: at(0), durationSeconds: 100, maxSamples: 10 }

/** What a pod that was made with some classes is told. */
async function told(
  stream: ReturnType<typeof camera>,
  wanted: Wanted,
  classes: readonly string[] = ['car', 'bus'],
): Promise<readonly string[]> {
  const calls: string[] = []
  const hear = (call: string) => {
    calls.push(call)
    return Promise.resolve(serving)
  }
  const { pod: made, ...snapshot } = pod<InferenceStatus>('cam-0', 'inference', { status: serving })
  const env = [{ name: configVariable, value: JSON.stringify({ classes }) }]
  const running: Pod = {
    ...made,
    spec: { containers: [{ name: 'worker', env }] },
    status: { podIP: '10.0.0.1' },
  }
  const workers = {
    setModel: (_: string, { uri }: ModelReference) => hear(uri),
    setWindow: (_: string, { index }: WindowClock) => hear(`window ${index}`),
    setConfiguration: (_: string, { name }: InferenceConfiguration) => hear(name),
  }
  await tell(
    stream,
    { ...snapshot, pod: running },
    wanted,
    { workers, learn: () => {} },
    new AbortController().signal,
  )
  return calls
}

describe('an inference pod', () => {
  const sparse = { name: 'sparse', frameInterval: 5, resolutionScale: 1 }
  const model = { uri: 'models/second.onnx' }

  for (const { name, stream, wanted = {}, classes, want } of [
    { name: 'is told nothing where it does what it should', stream: camera('cam-0'), want: [] },
    {
      name: 'is told the window, the model and the configuration',
      stream: camera('cam-0', { model, inference: { configurations: [sparse] } }),
      wanted: { clock, configuration: 'sparse' },
      want: ['window 3', 'models/second.onnx', 'sparse'],
    },
    {
      name: 'with other classes is told no model, whose outputs it would name wrongly',
      stream: camera('cam-0', { model, classes: ['bus', 'car'] }),
      wanted: { clock },
      want: ['window 3'],
    },
    {
      name: 'with these classes is told the model that came with them',
      stream: camera('cam-0', { model, classes: ['bus', 'car'] }),
      classes: ['bus', 'car'],
      want: ['models/second.onnx'],
    },
  ])
    it(name, async () => expect(await told(stream, wanted, classes)).to.deep.equal(want))
})
