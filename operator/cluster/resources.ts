/** Our two kinds, as the transport names resources. */
import { group, version } from '../api/names.ts'
import type { Resource } from '../kube/resources.ts'

export const cameraStreams: Resource = {
  group,
  version,
  kind: 'CameraStream',
  plural: 'camerastreams',
  namespaced: true,
}
export const retrainingWindows: Resource = {
  group,
  version,
  kind: 'RetrainingWindow',
  plural: 'retrainingwindows',
  namespaced: true,
}
