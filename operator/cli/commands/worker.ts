/** `ekya worker ROLE`: the main of one worker. */
import { workerRoles } from '../../api/names.ts'
import { UsageError } from '../errors.ts'

export async function worker(role: string): Promise<number> {
  if (!(workerRoles as readonly string[]).includes(role)) {
    throw new UsageError(`worker: ${JSON.stringify(role)} is no role; accepted: ${workerRoles.join(', ')}`)
  }
  const { main } = (await import(new URL(`../../../workers/${role}/main.ts`, import.meta.url).href)) as {
    main(): Promise<number>
  }
  return main()
}
