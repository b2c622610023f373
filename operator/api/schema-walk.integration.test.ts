import { expect } from 'chai'
import { ApiError } from '../../hack/control-plane/api-client.ts'
import { useApiServer } from '../../hack/testing/api-server.ts'
import { specSchemas } from './generated/schemas.ts'
import { goodManifests, type Manifest } from './testing/manifests.ts'
import { variations } from './testing/schema-walk.ts'
import { validateManifest } from './validate.ts'

/** Requests under way at once. */
const parallel = 8

describe('ekya validate and the API server', () => {
  const api = useApiServer({ crds: true })

  const refusal = async (manifest: Manifest): Promise<string | undefined> => {
    const plural = manifest.kind === 'CameraStream' ? 'camerastreams' : 'retrainingwindows'
    const path = `/apis/ekya.dev/v1alpha1/namespaces/${api.namespace()}/${plural}`
    try {
      await api.client().post(`${path}?fieldValidation=Strict&dryRun=All`, manifest)
      return undefined
    } catch (error) {
      if (error instanceof ApiError && [400, 422].includes(error.status)) return error.message
      throw error
    }
  }

  for (const kind of Object.keys(specSchemas)) {
    it(`agree on every variation of every field of a ${kind}`, async function () {
      this.timeout(180_000)
      // The manifests with most fields first: the others add what these cannot have.
      const manifests = goodManifests
        .map(({ manifest }) => manifest)
        .filter(manifest => manifest.kind === kind)
        .sort((a, b) => size(b) - size(a))
      const seen = new Set<string>()
      const queue = manifests
        .flatMap(manifest =>
          [...variations(manifest.spec, specSchemas[kind]!, seen)].map(({ name, spec }) => ({
            name,
            varied: { ...manifest, spec },
          })),
        )
        .values()
      const disagreements: string[] = []
      const work = async () => {
        for (const { name, varied } of queue) {
          const problems = validateManifest(varied)
          const message = await refusal(varied)
          if ((problems.length === 0) === (message === undefined)) continue
          disagreements.push(`${name}: offline ${JSON.stringify(problems)}, server ${message ?? 'takes it'}`)
        }
      }
      await Promise.all(Array.from({ length: parallel }, work))
      expect(disagreements).to.deep.equal([])
      expect(seen.size).to.be.above(20)
    })
  }
})

function size(manifest: Manifest): number {
  return JSON.stringify(manifest.spec).length
}
