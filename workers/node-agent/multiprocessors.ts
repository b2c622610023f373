/** How many multiprocessors a GPU has, asked of CUDA in a process of its own that passes the MPS daemon by: a client would see a share. */
import { fileURLToPath } from 'node:url'
import type { FoundGpu } from './nvidia-smi.ts'
import type { Programs } from './programs.ts'

const ownProgram = fileURLToPath(new URL('../runtime/sm-count.ts', import.meta.url))
/** No daemon has its pipes here. */
const noPipes = '/nonexistent'

/** undefined: it cannot be told, and `onProblem` hears why. */
export async function multiprocessorsOf(
  programs: Programs,
  { uuid }: Pick<FoundGpu, 'uuid'>,
  onProblem: (problem: string) => void,
  signal?: AbortSignal,
): Promise<number | undefined> {
  const { status, stdout, stderr } = await programs.run(
    process.execPath,
    [ownProgram],
    {
      env: {
        CUDA_VISIBLE_DEVICES: uuid,
        CUDA_MPS_PIPE_DIRECTORY: noPipes,
        CUDA_MPS_ACTIVE_THREAD_PERCENTAGE: undefined,
      },
    },
    signal,
  )
  if (status === 0 && /^[1-9]\d*\n$/.test(stdout)) return Number(stdout)
  onProblem(stderr.trim() || `it said ${JSON.stringify(stdout)} and ended with status ${status}`)
  return undefined
}
