/** What people ask of a site: pause, resume, retrain, roll back. Each is one patch; the operator does the rest. */
import { findCondition } from '../../api/conditions.ts'
import type { CameraStream, PastModel } from '../../api/generated/types.ts'
import { retrainAnnotation, rollbackAnnotation } from '../../api/names.ts'
import { retrainValue, rollbackValue } from '../../api/requests.ts'
import { cameraStreams } from '../../cluster/resources.ts'
import { UsageError } from '../errors.ts'
import type { Io } from '../program.ts'
import { table } from '../table.ts'
import {
  type Access,
  type Output,
  print,
  read,
  readStream,
  resourceOf,
  targetOf,
  windowOf,
} from './access.ts'
import { percent } from './status.ts'

const fieldManager = 'ekya-cli'

export async function setSuspended(
  access: Access,
  text: string,
  suspended: boolean,
  io: Io,
): Promise<number> {
  const target = targetOf(text)
  const object = await read(access, target)
  const { namespace, transport } = access
  const said = `${target.kind} ${namespace}/${target.name}`
  if ((object.spec.suspended ?? false) === suspended) {
    io.stdout.write(`${said} ${suspended ? 'is paused already' : 'is not paused'}\n`)
    return 0
  }
  const at = { namespace, name: target.name }
  await transport.patch(resourceOf(target), at, 'merge', { spec: { suspended } }, { fieldManager })
  const what =
    target.kind === 'CameraStream'
      ? 'no inference and no retraining; its share goes to the others'
      : 'inference goes on, nothing is retrained'
  io.stdout.write(`${said} ${suspended ? `paused: ${what}` : 'resumed'}\n`)
  return 0
}

export async function retrain(access: Access, name: string, now: Date, io: Io): Promise<number> {
  const stream = await readStream(access, name)
  const said = `CameraStream ${access.namespace}/${stream.metadata.name}`
  if (stream.spec.suspended)
    throw new Error(`${said} is paused; resume it first: ekya resume ${stream.metadata.name}`)
  const window = await windowOf(access, stream)
  if (window === undefined)
    throw new Error(
      `${said} belongs to no RetrainingWindow: ${findCondition(stream.status?.conditions, 'Ready')?.message ?? 'none selects it'}`,
    )
  if (window.spec.suspended)
    throw new Error(
      `${said}: RetrainingWindow ${window.metadata.name} is paused; resume it first: ekya resume rw/${window.metadata.name}`,
    )
  // A request that nothing will ever take up must not look as if it waited.
  if (window.spec.scheduler.policy === 'none')
    throw new Error(
      `${said}: RetrainingWindow ${window.metadata.name} has the policy none, which never trains; accepted: another spec.scheduler.policy`,
    )
  if (window.status?.current?.phase === 'Completed')
    throw new Error(
      `${said}: RetrainingWindow ${window.metadata.name} has completed, as spec.repeat is Once; accepted: a window that goes on`,
    )
  if (stream.status?.retraining !== undefined) {
    io.stdout.write(`${said} is being retrained already (${stream.status.retraining.configuration})\n`)
    return 0
  }
  await annotate(access, stream, { [retrainAnnotation]: retrainValue(now) })
  const { phase, index = 0 } = window.status?.current ?? {}
  const when =
    phase === 'Retraining'
      ? `window ${index} is planned again with it, or the next one where it has trained already or has no labels`
      : `it is in the next plan of window ${index}${index === 0 ? ' or 1 (window 0 has nothing to learn from)' : ''}`
  io.stdout.write(`${said}: retraining asked for; ${when}\n`)
  return 0
}

export async function rollback(
  access: Access,
  name: string,
  to: string | undefined,
  now: Date,
  io: Io,
): Promise<number> {
  const stream = await readStream(access, name)
  const model = chosen(stream, to, access.namespace)
  await annotate(access, stream, { [rollbackAnnotation]: rollbackValue(model.digest, now) })
  io.stdout.write(
    `CameraStream ${access.namespace}/${stream.metadata.name}: ${model.digest.slice(0, 12)} (${originOf(model)}) is taken into use again; trainings from before are not\n`,
  )
  return 0
}

/** @throws UsageError, Error with the models that there are. */
function chosen({ metadata, status }: CameraStream, to: string | undefined, namespace: string): PastModel {
  const models = status?.models ?? []
  const served = status?.model?.digest
  const said = `CameraStream ${namespace}/${metadata.name}`
  const others = models.filter(({ digest }) => digest !== served)
  const accepted =
    others.length === 0
      ? 'there is no other model that was served'
      : `accepted: ${others.map(model => `${model.digest.slice(0, 12)} (${originOf(model)})`).join(', ')}`
  if (to === undefined) {
    if (others[0] === undefined) throw new Error(`${said}: ${accepted}`)
    return others[0]
  }
  if (!/^[0-9a-f]{6,64}$/.test(to))
    throw new UsageError(
      `--to ${JSON.stringify(to)} is no digest; accepted: its first 6 to 64 hexadecimal digits`,
    )
  const found = models.filter(({ digest }) => digest.startsWith(to))
  if (found.length === 0) throw new Error(`${said}: no model that was served begins with ${to}; ${accepted}`)
  if (found.length > 1) throw new Error(`${said}: several models begin with ${to}; give more digits`)
  if (found[0]!.digest === served) throw new Error(`${said} serves ${to} already; ${accepted}`)
  return found[0]!
}

const originOf = ({ trainedInWindow }: PastModel): string =>
  trainedInWindow === undefined ? 'deployed' : `trained in window ${trainedInWindow}`

const annotate = ({ transport, namespace }: Access, { metadata }: CameraStream, annotations: object) =>
  transport.patch(
    cameraStreams,
    { namespace, name: metadata.name },
    'merge',
    { metadata: { annotations } },
    { fieldManager },
  )

export async function models(access: Access, name: string, output: Output, io: Io): Promise<number> {
  const stream = await readStream(access, name)
  const list = (stream.status?.models ?? []).map(model => ({
    ...model,
    served: model.digest === stream.status?.model?.digest,
  }))
  print(io, output, { models: list }, () =>
    list.length === 0
      ? ['no model has been served yet']
      : table(
          ['DIGEST', 'SERVED', 'ORIGIN', 'VALIDATION %', 'SERVED SINCE', 'FILE'],
          list.map(model => [
            model.digest.slice(0, 12),
            model.served ? 'now' : '',
            originOf(model),
            percent(model.accuracy),
            model.servedSince ?? '–',
            model.uri,
          ]),
          [0, 1, 2, 5],
        ),
  )
  return 0
}
