/** Pods that do not have the share that they were made with, as notes. */
import { isOn } from '../../cluster/pod.ts'
import type { SiteSnapshot } from '../../cluster/snapshot.ts'
import type { BackendSet } from '../../sharing/backends/registry.ts'
import type { Note } from './step.ts'

export function shareProblems(
  { gpus, pods }: Pick<SiteSnapshot, 'gpus' | 'pods'>,
  backends: BackendSet,
): readonly Note[] {
  return gpus.flatMap(gpu =>
    pods
      .filter(pod => !pod.finished && pod.rejected === undefined && isOn(pod, gpu))
      .flatMap(({ name, stream, pod }): Note[] => {
        // Workers count multiprocessors themselves and do not get ready with another number.
        const problem = backends.of(gpu).verify?.(pod, gpu, {})
        return problem === undefined
          ? []
          : [{ type: 'Warning', reason: 'ShareMismatch', message: `${name}: ${problem}`, stream }]
      }),
  )
}
