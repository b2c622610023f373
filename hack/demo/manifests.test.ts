import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { demoManifests } from './manifests.ts'
import { type DemoOptions, parseOptions } from './options.ts'

const read = (name: string) => readFileSync(new URL(name, import.meta.url), 'utf8')
const files = { cameras: read('cameras.yaml'), window: read('retraining-window.yaml') }
const options = (more: Partial<DemoOptions> = {}): DemoOptions => ({ ...parseOptions([], '/'), ...more })

const load = { frameRate: 10, labelingShare: 0.4 }

describe('manifests of the demo', () => {
  it('sets what the options name', () => {
    const { cameras, window } = demoManifests(
      files,
      options({ cameras: 2, seed: 5, window: '40s', policy: 'none' }),
      'here',
      { frameRate: 24, labelingShare: 0.4 },
    )
    expect(
      cameras.map(({ metadata, spec }) => [metadata.name, metadata.namespace, spec.source]),
    ).to.deep.equal([
      ['cam-0', 'here', { scene: { seed: 447 } }],
      ['cam-1', 'here', { scene: { seed: 401 } }],
    ])
    expect(cameras[0]?.spec.frameRate).to.equal(24)
    expect([window.spec.duration, window.spec.scheduler?.policy, window.spec.labeling?.share]).to.deep.equal([
      '40s',
      'none',
      0.4,
    ])
  })

  it('makes more cameras than the file has', () => {
    const { cameras } = demoManifests(files, options({ cameras: 6 }), 'here', load)
    expect(cameras.map(({ metadata }) => metadata.name).at(-1)).to.equal('cam-5')
    expect(new Set(cameras.map(({ spec }) => spec.source.scene?.seed)).size).to.equal(6)
  })

  it('plays a samples folder with its own labels', () => {
    const source = { kind: 'samples', folder: '/data/drift' } as const
    const { cameras, window } = demoManifests(files, options({ source }), 'here', load)
    const [camera] = cameras
    expect(window.spec.labeling?.maxSamples).to.equal(600)
    expect(camera?.spec.source).to.deep.equal({ samples: { uri: 'file:///data/drift/cam-0' } })
    expect(camera?.spec.goldenModel).to.equal(undefined)
    expect(camera?.spec.classes).to.include('automobile')
  })

  it('keeps what a person edited in the files', () => {
    const window = files.window.replace('step: 0.05', 'step: 0.2')
    expect(demoManifests({ ...files, window }, options(), 'here', load).window.spec.scheduler?.step).to.equal(
      0.2,
    )
  })

  it('names the field that a person broke', () => {
    const window = files.window.replace('step: 0.05', 'step: 7')
    expect(() => demoManifests({ ...files, window }, options(), 'here', load)).to.throw(
      /spec\.scheduler\.step/,
    )
  })
})
