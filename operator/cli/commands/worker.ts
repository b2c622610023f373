/** `ekya worker ROLE`: the main of one worker, loaded alone. */
import { workerRoles } from '../../api/names.ts'
import type { WorkerRole } from '../../api/worker.ts'
import { endAtOnce } from '../../process/end-signals.ts'
import { UsageError } from '../errors.ts'

const mains: Readonly<Record<WorkerRole, () => Promise<{ main(): Promise<number> }>>> = {
  inference: () => import('../../../workers/inference/main.ts'),
  profile: () => import('../../../workers/profile/main.ts'),
  training: () => import('../../../workers/training/main.ts'),
}

export async function worker(role: string): Promise<number> {
  if (!isRole(role)) {
    throw new UsageError(`worker: ${JSON.stringify(role)} is no role; accepted: ${workerRoles.join(', ')}`)
  }
  endAtOnce()
  const { main } = await mains[role]()
  return main()
}

function isRole(text: string): text is WorkerRole {
  return (workerRoles as readonly string[]).includes(text)
}
