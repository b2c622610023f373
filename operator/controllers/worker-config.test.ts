import { expect } from 'chai'
import { parseConfig } from '../../workers/runtime/validate.ts'
import type { Source } from '../api/generated/types.ts'
import { camera, gpu, retrainingWindow } from './testing/site.ts'
import { item } from './testing/window.ts'
import { inferenceConfig, profileConfig } from './worker-config.ts'

const surroundings = { item: item('cam-0'), device: gpu.device, storage: '/storage', seed: 1 }

describe('inferenceConfig', () => {
  const configOf = (source: Source) =>
    inferenceConfig({ stream: camera('cam-0', { source }), window: retrainingWindow({}), ...surroundings })

  for (const source of [
    { samples: { uri: 'samples/cam-0' } },
    { scene: { seed: 1, preset: 'plain' } },
  ] as const)
    it(`is what workers take of ${Object.keys(source)[0]}`, () => {
      const config = configOf(source)
      expect(config.source).to.deep.equal(source)
      expect(parseConfig('inference', JSON.stringify(config))).to.deep.equal(config)
    })

  it('is not made for a source that no worker reads', () =>
    expect(() => configOf({ video: { uri: 'videos/a.mp4', loop: true } })).to.throw(
      'CameraStream cam-0: spec.source.video: workers cannot read such a source yet',
    ))
})

describe('profileConfig', () => {
  it('wants the result before the operator stops waiting for it', () => {
    const { endsBy } = profileConfig({
      stream: camera('cam-0'),
      window: retrainingWindow(
        { current: { index: 2, phase: 'Labeling', startedAt: '2030-01-01T00:00:00.000Z' } },
        { duration: '100s' },
      ),
      ...surroundings,
    })
    expect(endsBy).to.equal('2030-01-01T00:00:45.000Z')
  })
})
