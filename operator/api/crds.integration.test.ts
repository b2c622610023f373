import { readFileSync } from 'node:fs'
import { Agent, request } from 'node:https'
import { KubeConfig } from '@kubernetes/client-node'
import { expect } from 'chai'
import { ApiError } from '../../hack/control-plane/api-client.ts'
import { readResources } from '../../hack/generate/crds.ts'
import { useApiServer } from '../../hack/testing/api-server.ts'
import { withDefaults } from './defaults.ts'
import { specSchemas } from './generated/schemas.ts'
import { badManifests, goodManifests, type Manifest } from './testing/manifests.ts'
import { validateManifest } from './validate.ts'

const plurals: Readonly<Record<string, string>> = {
  CameraStream: 'camerastreams',
  RetrainingWindow: 'retrainingwindows',
}

describe('the CRDs on the API server', () => {
  const api = useApiServer({ crds: true })
  const path = (kind: string) => `/apis/ekya.dev/v1alpha1/namespaces/${api.namespace()}/${plurals[kind]}`

  interface Stored {
    readonly spec: unknown
  }

  const create = (manifest: Manifest, dryRun = true) =>
    api
      .client()
      .post<Stored>(`${path(manifest.kind)}?fieldValidation=Strict${dryRun ? '&dryRun=All' : ''}`, manifest)

  const refusal = async (manifest: Manifest): Promise<string | undefined> => {
    try {
      await create(manifest)
      return undefined
    } catch (error) {
      if (error instanceof ApiError && [400, 422].includes(error.status)) return error.message
      throw error
    }
  }

  it('are structural', async () => {
    for (const plural of Object.values(plurals)) {
      const { status } = await api
        .client()
        .get<{ readonly status: { readonly conditions: readonly { readonly type: string }[] } }>(
          `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${plural}.ekya.dev`,
        )
      expect(status.conditions.map(({ type }) => type)).to.have.members(['NamesAccepted', 'Established'])
    }
  })

  for (const { name, manifest } of goodManifests) {
    it(`take ${name}, with the same defaults as offline`, async () => {
      const { spec } = await create(manifest)
      expect(spec).to.deep.equal(withDefaults(manifest.spec, specSchemas[manifest.kind]!))
    })
  }

  for (const { name, manifest, path, accepted, acceptedOffline } of badManifests) {
    it(`refuse ${name}`, async () => {
      const message = await refusal(manifest)
      expect(message, 'the API server takes it').to.be.a('string')
      expect(message).to.include(path)
      if (!acceptedOffline) expect(message).to.match(accepted)
      expect(validateManifest(manifest)).to.not.deep.equal([])
    })
  }

  describe('when the classes of a stream change', () => {
    const name = 'cam-classes'
    const { manifest } = goodManifests.find(each => each.manifest.kind === 'CameraStream')!
    const url = () => `${path('CameraStream')}/${name}`
    const spec = manifest.spec as { readonly model: { readonly uri: string } }
    before(() =>
      create(
        {
          ...manifest,
          metadata: { ...manifest.metadata, name },
          spec: { ...spec, classes: ['car', 'bus', 'dog'] },
        } as Manifest,
        false,
      ),
    )
    const change = (to: object) =>
      api
        .client()
        .patch(`${url()}?dryRun=All`, 'merge', { spec: to })
        .then(
          () => undefined,
          (error: Error) => error.message,
        )

    for (const { what, to } of [
      { what: 'the same ones', to: { classes: ['car', 'bus', 'dog'] } },
      { what: 'one behind the others', to: { classes: ['car', 'bus', 'dog', 'cat'] } },
      {
        what: '256 of the longest names',
        to: {
          classes: ['car', 'bus', 'dog', ...Array.from({ length: 253 }, (_, i) => `${i}`.padStart(63, 'c'))],
        },
      },
      {
        what: 'another order with another model',
        to: { classes: ['dog', 'car'], model: { uri: 'models/other.onnx' } },
      },
      { what: 'something else', to: { weight: 3 } },
    ])
      it(`take ${what}`, async () => expect(await change(to)).to.equal(undefined))

    for (const { what, classes } of [
      { what: 'another order', classes: ['bus', 'car', 'dog'] },
      { what: 'another name', classes: ['car', 'coach', 'dog'] },
      { what: 'one less', classes: ['car', 'bus'] },
      { what: 'one between the others', classes: ['car', 'cat', 'bus', 'dog'] },
      { what: 'one less and two more', classes: ['car', 'dog', 'cat', 'van'] },
    ])
      it(`refuse ${what} and say what to do instead`, async () => {
        const message = await change({ classes })
        expect(message).to.include('spec.classes').and.include('only be added behind the others')
        expect(message).to.include('set model.uri to a model with these outputs')
      })
  })

  it('print the columns of the design, with the age last', async () => {
    const stream = goodManifests.find(({ manifest }) => manifest.kind === 'CameraStream')!.manifest
    const window = goodManifests.find(({ manifest }) => manifest.kind === 'RetrainingWindow')!.manifest
    await create(stream, false)
    await create(window, false)
    expect(await columns('CameraStream')).to.deep.equal([
      'Name',
      'Ready',
      'Model',
      'Acc',
      'Share',
      'Window',
      'Reason',
      'Age',
    ])
    expect(await columns('RetrainingWindow')).to.deep.equal([
      'Name',
      'Phase',
      'Streams',
      'Gpu',
      'Acc',
      'Gain',
      'Window',
      'Age',
    ])
  })

  it('show status in the columns', async () => {
    await api.client().patch(`${path('CameraStream')}/cam-1/status`, 'merge', {
      status: {
        conditions: [
          {
            type: 'Ready',
            status: 'True',
            reason: 'Serving',
            message: '',
            lastTransitionTime: '2026-01-01T00:00:00Z',
          },
        ],
        model: { uri: 'a.onnx', version: '0123456789ab' },
        accuracy: { measured: 0.8125 },
        allocation: { node: 'n', gpu: '0', share: 0.3 },
        window: { name: 'site', index: 4 },
      },
    })
    await api.client().patch(`${path('RetrainingWindow')}/site/status`, 'merge', {
      status: {
        current: { index: 4, phase: 'Retraining' },
        streams: 4,
        gpus: 1,
        history: [{ index: 3, realised: 0.81, gain: 0.25 }],
      },
    })
    expect((await row('CameraStream')).slice(0, 7)).to.deep.equal([
      'cam-1',
      'True',
      '0123456789ab',
      0.8125,
      0.3,
      4,
      'Serving',
    ])
    expect((await row('RetrainingWindow')).slice(0, 7)).to.deep.equal([
      'site',
      'Retraining',
      4,
      1,
      0.81,
      0.25,
      4,
    ])
  })

  it('answer to short names and the category', async () => {
    const { resources } = await api.client().get<{
      readonly resources: readonly {
        readonly name: string
        readonly shortNames?: string[]
        readonly categories?: string[]
      }[]
    }>('/apis/ekya.dev/v1alpha1')
    for (const { plural, shortNames } of readResources(new URL('../../crds/', import.meta.url).pathname)) {
      const resource = resources.find(({ name }) => name === plural)
      expect(resource).to.deep.include({ shortNames, categories: ['ekya'] })
      expect(resources.map(({ name }) => name)).to.include(`${plural}/status`)
    }
  })

  interface Table {
    readonly columnDefinitions: readonly { readonly name: string; readonly priority: number }[]
    readonly rows: readonly { readonly cells: readonly unknown[] }[]
  }

  const columns = async (kind: string) =>
    (await table(kind)).columnDefinitions.filter(({ priority }) => priority === 0).map(({ name }) => name)

  const row = async (kind: string) => (await table(kind)).rows[0]!.cells

  /** As kubectl asks for it. */
  async function table(kind: string): Promise<Table> {
    const config = new KubeConfig()
    config.loadFromString(readFileSync(api.kubeconfig(), 'utf8'))
    const options = {
      headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' },
      agent: new Agent(),
    }
    await config.applyToHTTPSOptions(options)
    return new Promise((resolve, reject) => {
      request(`${api.server()}${path(kind)}`, options, response => {
        let text = ''
        response.on('data', chunk => {
          text += chunk
        })
        response.on('end', () => resolve(JSON.parse(text) as Table))
      })
        .on('error', reject)
        .end()
    })
  }
})
