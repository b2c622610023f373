import { expect } from 'chai'
import type { CameraStreamStatus } from '../../api/generated/types.ts'
import type { PlanItem } from '../plan-status.ts'
import { at, camera, retrainingWindow, site } from '../testing/site.ts'
import { streamProjection } from './stream-projection.ts'

const accepted: PlanItem = {
  stream: 'cam-0',
  node: 'edge-0',
  gpu: '0',
  inferenceShare: 0.3,
  inferenceConfiguration: 'every-frame',
  trainingShare: 0,
  state: 'Accepted',
  initialUri: 'models/first.onnx',
  model: { uri: 'models/default/cam-0/abc.onnx', digest: 'abcdef0123' },
  accuracyAfter: 0.8,
}
const modelOf = (uri: string, model: CameraStreamStatus['model']) => {
  const window = retrainingWindow({
    current: { index: 4, phase: 'Retraining', startedAt: at(0), endsAt: at(100) },
    plan: { window: 4, decidedAt: at(0), policy: 'thief', items: [accepted] },
  })
  const stream = { ...camera('cam-0', { model: { uri } }), status: { model } }
  const snapshot = site(window, [{ name: 'cam-0', stream }], 50)
  return streamProjection(snapshot, snapshot.streams[0]!, undefined).model
}

describe('streamProjection', () => {
  it('serves an accepted model', () => {
    const known = { uri: 'models/first.onnx', initialUri: 'models/first.onnx', initialDigest: 'one' }
    expect(modelOf('models/first.onnx', known)).to.deep.equal({
      ...{ ...known, ...accepted.model, version: 'abcdef01' },
      ...{ accuracy: 0.8, trainedInWindow: 4 },
    })
  })

  it('serves what the user asks for since, in the window of the acceptance as well', () => {
    const known = { uri: 'models/second.onnx', initialUri: 'models/second.onnx', initialDigest: 'two' }
    expect(modelOf('models/second.onnx', known)).to.deep.equal(known)
  })
})
