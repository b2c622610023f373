/** Pods that are short-lived say at once that they did not get their share, before they load anything. */
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import type { ProfileWorkerConfig, TrainingWorkerConfig, WorkerResult } from '../../operator/api/worker.ts'
import { ProfileWorker } from '../profile/worker.ts'
import { TrainingWorker } from '../training/worker.ts'
import { temporaryFolder } from './testing/temporary-folder.ts'
import { startWorker } from './testing/worker-harness.ts'

describe('a worker whose GPU gives it another share than it was made with', () => {
  const folder = temporaryFolder()
  const variables = ['EKYA_EXPECT_SMS', 'EKYA_SM_COUNT_PROGRAM'] as const
  const unset = variables.map(name => [name, process.env[name]] as const)

  before(async () => {
    const program = join(folder.path, 'count')
    await writeFile(program, '#!/bin/sh\necho 132\n')
    await chmod(program, 0o755)
    process.env.EKYA_SM_COUNT_PROGRAM = program
  })
  after(() => {
    for (const [name, value] of unset)
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
  })

  const common = () =>
    ({
      namespace: 'default',
      stream: 'cam-0',
      classes: ['car', 'bus'],
      storage: folder.path,
      device: { kind: 'cpu', cores: 1 },
      seed: 1,
      model: { uri: 'models/none.onnx' },
      historyWeight: 1,
      validationFraction: 0.3,
      window: 2,
    }) as const
  const configuration = {
    name: 'all',
    epochs: 1,
    batchSize: 16,
    learningRate: 0.05,
    trainableLayers: 'all',
    dataFraction: 1,
  } as const
  const training = (): TrainingWorkerConfig => ({
    ...common(),
    role: 'training',
    samplesWindows: [1],
    checkpointEverySeconds: 60,
    configuration,
  })
  const profile = (): ProfileWorkerConfig => ({
    ...common(),
    role: 'profile',
    samplesWindow: 1,
    initialModel: { uri: 'models/none.onnx' },
    maxSamples: 10,
    microProfiler: { epochs: 1, sampleFraction: 1 },
    configurations: [],
    historyWindows: 0,
  })

  for (const { role, start } of [
    {
      role: 'training',
      start: () => startWorker('training', training(), context => new TrainingWorker(context), folder.path),
    },
    {
      role: 'profile',
      start: () => startWorker('profile', profile(), context => new ProfileWorker(context), folder.path),
    },
  ])
    for (const { expected, want } of [
      { expected: '38', want: /^ShareMismatch: .* finds "132" multiprocessors; the share is worth 38$/ },
      // It goes on, and to the next thing that is missing.
      { expected: '132', want: /^ModelNotFound/ },
    ])
      it(`${role}: fails where ${expected} are expected, and tells ${want.source.slice(1, 14)}`, async () => {
        process.env.EKYA_EXPECT_SMS = expected
        const { code, message } = await (await start()).ended
        const { kind, error } = message as WorkerResult & { error: { code: string; message: string } }
        expect({ code, kind }).to.deep.equal({ code: 1, kind: role })
        expect(`${error.code}: ${error.message}`).to.match(want)
      })
})
