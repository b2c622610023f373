/** Types alone: what the specs say can be handed to the workers. `npm run typecheck` is the judge. */
import { expect } from 'chai'
import type { ObjectMeta as KubeMeta } from '../kube/objects.ts'
import { objectRules } from './generated/schemas.ts'
import type { CameraStream, InferenceConfiguration, RetrainingConfiguration } from './generated/types.ts'
import type { ObjectMeta } from './metadata.ts'
import {
  inferencePodName,
  profilePodName,
  streamNameLimit,
  trainingPodName,
  windowNameLimit,
} from './names.ts'
import type * as worker from './worker.ts'

type Assignable<From extends To, To> = [From, To]

type _Contracts = [
  Assignable<InferenceConfiguration, worker.InferenceConfiguration>,
  Assignable<RetrainingConfiguration, worker.RetrainingConfiguration>,
  Assignable<ObjectMeta, KubeMeta>,
  Assignable<CameraStream['metadata'], KubeMeta>,
]

describe('names', () => {
  it('of pods stay DNS labels for the longest stream name and years of windows', () => {
    const stream = 'a'.repeat(streamNameLimit)
    for (const name of [
      inferencePodName(stream),
      profilePodName(stream, 10 ** 8),
      trainingPodName(stream, 10 ** 8),
    ]) {
      expect(name).to.match(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])$/)
    }
  })

  it('have the limits that the CRDs have', () => {
    const rules = Object.values(objectRules).flatMap(list => list.map(({ rule }) => rule))
    expect(rules).to.include(`self.metadata.name.size() <= ${streamNameLimit}`)
    expect(rules).to.include(`self.metadata.name.size() <= ${windowNameLimit}`)
  })
})
