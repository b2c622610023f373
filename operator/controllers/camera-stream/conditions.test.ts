import { expect } from 'chai'
import { failedResizeAnnotation, gpuAnnotation, nodeAnnotation } from '../../api/names.ts'
import type { InferenceStatus } from '../../api/worker.ts'
import { at, camera, gpu, pod, retrainingWindow } from '../testing/site.ts'
import { item, running } from '../testing/window.ts'
import { type StreamView, streamConditionInputs } from './conditions.ts'
import { swapView } from './swap-view.ts'

const serving = pod<InferenceStatus>('cam-0', 'inference')
const onEdge0: typeof serving = {
  ...serving,
  pod: {
    ...serving.pod,
    metadata: { ...serving.pod.metadata, annotations: { [nodeAnnotation]: 'edge-0', [gpuAnnotation]: '0' } },
  },
}
const view = (parts: Partial<StreamView> = {}): StreamView => ({
  stream: camera('cam-0'),
  window: retrainingWindow(),
  refused: [],
  gpus: [gpu],
  pod: serving,
  ...parts,
})
const condition = (type: string, parts: Partial<StreamView>) =>
  streamConditionInputs(view(parts)).find(c => c.type === type)

describe('Ready of a CameraStream', () => {
  for (const { name, parts, want, says } of [
    { name: 'serves', parts: {}, want: 'Serving', says: 'served in RetrainingWindow site-a' },
    {
      name: 'is suspended',
      parts: { stream: camera('cam-0', { suspended: true }) },
      want: 'SuspendedByUser',
      says: 'spec.suspended',
    },
    { name: 'belongs to no window', parts: { window: undefined }, want: 'NoWindow', says: 'streamSelector' },
    {
      name: 'is claimed twice',
      parts: { refused: ['site-b'] },
      want: 'WindowConflict',
      says: 'site-b selects it, too',
    },
    {
      name: 'has a source that workers cannot read',
      parts: {
        stream: camera('cam-0', { source: { rtsp: { url: 'rtsp://10.0.3.7/main', transport: 'tcp' } } }),
        window: undefined,
        pod: undefined,
      },
      want: 'SourceInvalid',
      says: 'spec.source.rtsp: workers cannot read such a source yet; accepted: samples, scene',
    },
    { name: 'has no GPU', parts: { gpus: [] }, want: 'NoGpu', says: 'no node of the site offers a GPU' },
    {
      name: 'asks for a node that is not there',
      parts: { stream: camera('cam-0', { nodeSelector: { disk: 'fast' } }) },
      want: 'NoGpu',
      says: 'spec.nodeSelector {"disk":"fast"} matches none of the nodes with a GPU of RetrainingWindow site-a: edge-0',
    },
    {
      name: 'has its pod on a node that is lost',
      parts: {
        pod: { ...onEdge0, ready: false },
        lostNodes: [{ node: 'edge-0', problem: 'its kubelet is not heard of', leftOut: false }],
      },
      want: 'NodeNotReady',
      says: 'pod cam-0-inference is on node edge-0: its kubelet is not heard of; it may serve on there',
    },
    {
      name: 'serves elsewhere than on the node that is lost',
      parts: { pod: onEdge0, lostNodes: [{ node: 'edge-1', problem: 'why', leftOut: true }] },
      want: 'Serving',
      says: 'served in RetrainingWindow site-a',
    },
    { name: 'has no pod yet', parts: { pod: undefined }, want: 'Starting', says: 'not there yet' },
    {
      name: 'has a worker without a model',
      parts: { pod: { ...serving, error: { code: 'ModelNotFound', message: 'there is no model file' } } },
      want: 'ModelNotFound',
      says: 'there is no model file',
    },
    {
      name: 'has a worker that refused a model',
      parts: { refusal: { code: 'ModelInvalid', message: 'not an ONNX file' } },
      want: 'ModelInvalid',
      says: 'not an ONNX file',
    },
    {
      name: 'has a GPU with a fault, whatever its pod says',
      parts: {
        window: retrainingWindow(running('Retraining', [item('cam-0')])),
        gpus: [{ ...gpu, fault: 'a client faulted' }],
      },
      want: 'GpuFault',
      says: 'GPU edge-0/0: a client faulted; its pods are ended, and made again when it serves',
    },
    {
      name: 'waits for its pod',
      parts: { pod: { ...serving, ready: false } },
      want: 'Starting',
      says: 'cam-0-inference starts',
    },
  ])
    it(`${name}: ${want}`, () => {
      const ready = condition('Ready', parts)!
      expect(ready.reason).to.equal(want)
      expect(ready.message).to.contain(says)
      expect(ready.status).to.equal(want === 'Serving' || want === 'WindowConflict')
    })
})

describe('Drifting of a CameraStream', () => {
  const measured = (...realised: number[]) => ({
    window: retrainingWindow({
      current: { index: realised.length, phase: 'Retraining', startedAt: at(0), endsAt: at(100) },
      history: realised.map((value, i) => ({
        index: realised.length - 1 - i,
        policy: 'thief',
        streams: [
          { name: 'cam-0', retrained: false, realised: value, inferenceShare: 0.2, trainingShare: 0 },
        ],
      })),
    }),
  })
  for (const { name, parts, want } of [
    { name: 'is unknown after one window', parts: measured(0.9), want: undefined },
    { name: 'is false while accuracy holds', parts: measured(0.85, 0.9), want: 'Stable' },
    { name: 'is true when it has fallen', parts: measured(0.6, 0.9), want: 'Drifted' },
  ])
    it(name, () => expect(condition('Drifting', parts)?.reason).to.equal(want))
})

describe('Resizing of a CameraStream whose share is changed by a new pod', () => {
  const generation = (number: number, more: Partial<typeof serving> = {}) => ({
    ...serving,
    name: `cam-0-inference-g${number}`,
    generation: number,
    ...more,
  })
  const failed = (window: number) =>
    generation(2, {
      pod: {
        ...serving.pod,
        metadata: {
          ...serving.pod.metadata,
          annotations: {
            [failedResizeAnnotation]: JSON.stringify({
              units: 30,
              memoryMiB: 0,
              window,
              tries: 1,
              at: '2026-11-01T12:00:00Z',
              reason: 'g3 was not ready within 20 s',
            }),
          },
        },
      },
    })

  for (const { name, pods, want } of [
    {
      name: 'a pod that is to take over',
      pods: [generation(2), generation(3, { standby: true })],
      want: {
        status: true,
        reason: 'Swapping',
        message: 'pod cam-0-inference-g3 takes over from cam-0-inference-g2',
      },
    },
    {
      name: 'an old pod that has not gone',
      pods: [generation(2), generation(3)],
      want: {
        status: true,
        reason: 'Swapping',
        message: 'pod cam-0-inference-g3 takes over from cam-0-inference-g2',
      },
    },
    {
      name: 'a resize that failed in this window',
      pods: [failed(7)],
      want: { status: false, reason: 'ResizeFailed', message: 'g3 was not ready within 20 s' },
    },
    {
      name: 'a resize that failed in an earlier one',
      pods: [failed(6)],
      want: { status: false, reason: 'AsPlanned', message: 'the pod holds the share that the plan gives it' },
    },
  ])
    it(`tells of ${name}`, () => {
      const { status, reason, message } = condition('Resizing', { swap: swapView(pods, 7) })!
      expect({ status, reason, message }).to.deep.equal(want)
    })
})
