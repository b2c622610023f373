/**
 * Measures a GPU's throughput curve: one training client after another, each with another percentage, under the GPU's own MPS daemon.
 *
 * Only an idle GPU gives a curve. So clients of others are looked for before and after each measurement, and where there is one all is given
 * up, to be tried again later: nobody is kept waiting for it.
 */
import { fileURLToPath } from 'node:url'
import { mpsVariables } from '../../../operator/api/mps-client.ts'
import { AgentError } from '../errors.ts'
import type { ThroughputCurve } from '../inventory.ts'
import type { Programs } from '../programs.ts'
import { percentages, type StepTime, throughputCurve } from './throughput-curve.ts'
import type { ClientAnswer, ClientRequest } from './training-client.ts'

const ownClient = fileURLToPath(new URL('./training-client.ts', import.meta.url))
const clientEndsWithinMs = 180_000

export interface MeasurementOptions {
  readonly programs: Programs
  readonly uuid: string
  readonly pipeDirectory: string
  /** MPS clients of the GPU. */
  clients(signal?: AbortSignal): Promise<number>
  readonly request: ClientRequest
  /** What trains; default: training-client.ts on this Node. */
  readonly client?: { readonly program: string; readonly args: readonly string[] }
}

/** @throws AgentError measurement-failed: `retryable` where somebody else used the GPU; or the signal's reason */
export async function measureCurve(
  {
    programs,
    uuid,
    pipeDirectory,
    clients,
    request,
    client = { program: process.execPath, args: [ownClient] },
  }: MeasurementOptions,
  signal?: AbortSignal,
): Promise<ThroughputCurve> {
  const mustBeIdle = async (): Promise<void> => {
    const others = await clients(signal)
    if (others > 0) throw new AgentError('measurement-failed', `the GPU has ${others} MPS clients`)
  }
  const measured: StepTime[] = []
  for (const percentage of percentages) {
    await mustBeIdle()
    const { status, stdout, stderr } = await programs.run(
      client.program,
      [...client.args, JSON.stringify(request)],
      {
        timeoutMs: clientEndsWithinMs,
        env: {
          [mpsVariables.pipeDirectory]: pipeDirectory,
          [mpsVariables.percentage]: String(percentage),
          [mpsVariables.visibleDevices]: uuid,
          // An MPS client sees what its daemon serves.
          CUDA_VISIBLE_DEVICES: undefined,
        },
      },
      signal,
    )
    if (status !== 0)
      throw final(`the training at ${percentage} % ended with status ${status}: ${lastLine(stderr)}`)
    const answer = parseAnswer(stdout)
    if (answer.provider !== request.device) {
      throw final(
        `the training at ${percentage} % ran on ${answer.provider}; accepted: ${request.device} (an image with the CUDA provider of onnxruntime)`,
      )
    }
    measured.push({ percentage, seconds: answer.stepSeconds })
    await mustBeIdle()
  }
  return throughputCurve(measured)
}

function parseAnswer(text: string): ClientAnswer {
  try {
    const answer = JSON.parse(text) as ClientAnswer
    if (answer.stepSeconds > 0 && Number.isFinite(answer.stepSeconds)) return answer
  } catch {
    // Told below.
  }
  throw final(`the training said ${JSON.stringify(text.slice(0, 200))}; accepted: its step time as JSON`)
}

/** To try it again would fail again. */
const final = (message: string): AgentError =>
  new AgentError('measurement-failed', message, { retryable: false })

const lastLine = (text: string): string => text.trim().split('\n').at(-1)?.slice(0, 300) || 'it said nothing'
