/** What the dashboard's pages are made from: the caches that every replica keeps, and nothing that is asked for while a page is made. */
import type { CameraStream, RetrainingWindow } from '../../api/generated/types.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import type { ShareLog } from '../../cluster/share-log.ts'
import type { SampleReader } from './samples.ts'

export interface DashboardSite {
  readonly cluster: Pick<Cluster, 'windows' | 'streams' | 'membership' | 'gpus'>
  readonly shares: Pick<ShareLog, 'of' | 'begin'>
  readonly samples: SampleReader
}

export interface Member {
  readonly stream: CameraStream
  readonly window: RetrainingWindow | undefined
}
