import { expect } from 'chai'
import { camera, gpu, retrainingWindow } from './testing/site.ts'
import { profileConfig } from './worker-config.ts'

describe('profileConfig', () => {
  it('wants the result before the operator stops waiting for it', () => {
    const { endsBy } = profileConfig({
      stream: camera('cam-0'),
      window: retrainingWindow(
        { current: { index: 2, phase: 'Labeling', startedAt: '2030-01-01T00:00:00.000Z' } },
        { duration: '100s' },
      ),
      item: {
        stream: 'cam-0',
        node: gpu.node,
        gpu: gpu.gpu,
        inferenceShare: 0.2,
        trainingShare: 0,
        inferenceConfiguration: 'every-frame',
        state: 'None',
      },
      device: gpu.device,
      storage: '/storage',
      seed: 1,
    })
    expect(endsBy).to.equal('2030-01-01T00:00:45.000Z')
  })
})
