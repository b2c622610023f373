/** What a real API server says to the pods that are written down for each backend of GPUs. */
import { readdirSync } from 'node:fs'
import { expect } from 'chai'
import type { KubernetesObject } from '../../hack/control-plane/api-client.ts'
import { useApiServer } from '../../hack/testing/api-server.ts'
import { readGolden } from '../../hack/testing/golden.ts'

const folder = new URL('./golden/', import.meta.url)

interface Pod extends KubernetesObject {
  readonly spec: {
    readonly containers: readonly {
      readonly env?: readonly object[]
      readonly resources: { readonly limits: Readonly<Record<string, string>> }
    }[]
  }
}

describe('pods on GPUs, on a real API server', function () {
  this.timeout(60_000)
  const api = useApiServer()

  before(async () => {
    await api
      .client()
      .post('/apis/node.k8s.io/v1/runtimeclasses', {
        apiVersion: 'node.k8s.io/v1',
        kind: 'RuntimeClass',
        metadata: { name: 'nvidia' },
        handler: 'nvidia',
      })
      .catch((error: { status?: number }) => {
        // Another suite made it.
        if (error.status !== 409) throw error
      })
  })

  const files = readdirSync(folder)
  it('are there', () => expect(files).to.have.length(12))

  for (const file of files)
    it(`are accepted as they are: ${file}`, async () => {
      const pod = readGolden(new URL(file, folder)) as Pod
      const namespace = api.namespace()
      const body = { ...pod, metadata: { ...pod.metadata, namespace } }
      const made = await api
        .client()
        .post<Pod>(`/api/v1/namespaces/${namespace}/pods?dryRun=All&fieldValidation=Strict`, body)
      const [asked, kept] = [pod.spec.containers[0]!, made.spec.containers[0]!]
      expect(kept.resources.limits).to.deep.equal(asked.resources.limits)
      expect(kept.env?.length).to.equal(asked.env?.length)
    })
})
