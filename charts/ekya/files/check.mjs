/**
 * What `helm test` runs: is the installation able to work?
 *
 * Asks the operator's Service for readiness and metrics, looks whether the Lease is renewed, and has the API server check a
 * CameraStream without keeping it. Plain JavaScript on Node alone; settings come from the environment. Exit status 1 names what failed.
 */
import { readFile } from 'node:fs/promises'

const {
  EKYA_SERVICE,
  EKYA_NAMESPACE,
  EKYA_LEASE = '',
  EKYA_API = 'https://kubernetes.default.svc',
  EKYA_TOKEN_FILE = '/var/run/secrets/kubernetes.io/serviceaccount/token',
  EKYA_PATIENCE_SECONDS = '60',
} = process.env

const timeout = 10_000

async function operator(path) {
  const response = await fetch(`${EKYA_SERVICE}${path}`, { signal: AbortSignal.timeout(timeout) })
  const text = await response.text()
  if (!response.ok) throw new Error(`${path} answers ${response.status}: ${text.trim()}`)
  return text
}

async function api(method, path, body) {
  const token = (await readFile(EKYA_TOKEN_FILE, 'utf8')).trim()
  const response = await fetch(`${EKYA_API}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: body && JSON.stringify(body),
    signal: AbortSignal.timeout(timeout),
  })
  return { status: response.status, body: await response.json() }
}

const stream = classes => ({
  apiVersion: 'ekya.dev/v1alpha1',
  kind: 'CameraStream',
  metadata: { name: 'helm-test' },
  spec: { source: { scene: { seed: 1 } }, classes, model: { uri: 'models/student.onnx' } },
})
const streams = `/apis/ekya.dev/v1alpha1/namespaces/${EKYA_NAMESPACE}/camerastreams?dryRun=All`

const checks = {
  'the operator is ready': () => operator('/readyz'),
  'the operator has metrics': async () => {
    if (!/^ekya_build_info\{/m.test(await operator('/metrics')))
      throw new Error('ekya_build_info is not among them')
  },
  'a replica leads': async () => {
    if (!EKYA_LEASE) return
    const path = `/apis/coordination.k8s.io/v1/namespaces/${EKYA_NAMESPACE}/leases/${EKYA_LEASE}`
    const { status, body } = await api('GET', path)
    if (status !== 200) throw new Error(`the Lease ${EKYA_LEASE} cannot be read: ${body.message}`)
    const age = (Date.now() - Date.parse(body.spec.renewTime)) / 1000
    if (!body.spec.holderIdentity || !(age < body.spec.leaseDurationSeconds))
      throw new Error(`the Lease ${EKYA_LEASE} was not renewed for ${Math.round(age)} s`)
  },
  'the API server takes a CameraStream': async () => {
    const { status, body } = await api('POST', streams, stream(['car', 'bus']))
    if (status !== 201) throw new Error(`it answers ${status}: ${body.message}`)
  },
  'the API server refuses a bad one': async () => {
    const { status } = await api('POST', streams, stream([]))
    if (status !== 422) throw new Error(`it answers ${status} to a stream without classes`)
  },
}

const deadline = Date.now() + Number(EKYA_PATIENCE_SECONDS) * 1000
for (const [name, check] of Object.entries(checks)) {
  for (;;) {
    try {
      await check()
      console.log(`ok    ${name}`)
      break
    } catch (error) {
      if (Date.now() > deadline) {
        console.error(`FAIL  ${name}: ${error.cause?.message ?? error.message}`)
        process.exit(1)
      }
      await new Promise(resolve => setTimeout(resolve, 1000))
    }
  }
}
