import { expect } from 'chai'
import type { RetrainingWindow } from '../../api/generated/types.ts'
import { retrainAnnotation } from '../../api/names.ts'
import { camera, retrainingWindow } from '../../controllers/testing/site.ts'
import type { Access } from './access.ts'
import { retrain } from './requests.ts'

const now = new Date('2026-01-01T00:00:00Z')

/** A site of one stream, and what is written to it. */
function siteOf(window: RetrainingWindow) {
  const stream = { ...camera('cam-0'), status: { window: { name: window.metadata.name, index: 2 } } }
  const patches: object[] = []
  const access = {
    namespace: 'default',
    transport: {
      get: async ({ kind }: { kind: string }) => (kind === 'CameraStream' ? stream : window),
      patch: async (_resource: object, _at: object, _form: string, body: object) => patches.push(body),
    },
  } as unknown as Access
  return { access, patches }
}

describe('asking for a retraining', () => {
  const io = { stdin: (async function* () {})(), stdout: { write() {} }, stderr: { write() {} }, env: {} }
  const running = retrainingWindow({ current: { index: 2, phase: 'Retraining' } })

  it('is an annotation with the time', async () => {
    const { access, patches } = siteOf(running)
    expect(await retrain(access, 'cam-0', now, io)).to.equal(0)
    expect(patches).to.have.length(1)
    expect(JSON.stringify(patches)).to.include(retrainAnnotation).and.include('2026-01-01T00:00:00')
  })

  for (const { name, window, says } of [
    {
      name: 'the policy never trains',
      window: {
        ...running,
        spec: { ...running.spec, scheduler: { ...running.spec.scheduler, policy: 'none' } },
      },
      says: 'has the policy none, which never trains',
    },
    {
      name: 'no window comes any more',
      window: { ...running, status: { ...running.status, current: { index: 2, phase: 'Completed' } } },
      says: 'has completed, as spec.repeat is Once',
    },
    {
      name: 'the window is paused',
      window: { ...running, spec: { ...running.spec, suspended: true } },
      says: 'is paused; resume it first',
    },
  ] as const)
    it(`is refused where ${name}, and leaves nothing behind`, async () => {
      const { access, patches } = siteOf(window as RetrainingWindow)
      const refusal = await retrain(access, 'cam-0', now, io).then(
        () => '',
        (error: Error) => error.message,
      )
      expect(refusal).to.include(says)
      expect(patches).to.deep.equal([])
    })
})
