/** The backends there are, by the value of a node's label `ekya.dev/sharing-backend`. */
import { type Backend, backendLabel, type RawNode, SharingError, type SiteGpu } from '../backend.ts'
import { defaultGpuOptions, type GpuOptions } from '../gpu-options.ts'
import { cpuBackend } from './cpu.ts'
import { cpuReplaceBackend } from './cpu-replace.ts'
import { hamiBackend } from './hami.ts'
import { kaiBackend } from './kai.ts'
import { mpsBackend } from './mps.ts'
import { nvidiaSlicesBackend } from './nvidia-slices.ts'
import { unitsBackend } from './units.ts'

export function createBackends(options: GpuOptions = defaultGpuOptions): readonly Backend[] {
  return [
    cpuBackend,
    cpuReplaceBackend,
    mpsBackend(options),
    unitsBackend(options),
    nvidiaSlicesBackend(options),
    hamiBackend(options),
    kaiBackend(options),
  ]
}

export const backends: readonly Backend[] = createBackends()

/** @throws SharingError `unknown-backend` naming those that are accepted. */
export function backend(name: string, among: readonly Backend[] = backends): Backend {
  const found = among.find(candidate => candidate.name === name)
  if (found) return found
  throw new SharingError(
    'unknown-backend',
    `sharing backend "${name}" is unknown; accepted: ${among.map(candidate => candidate.name).join(', ')}`,
  )
}

/** Several backends as one: each GPU is the business of the one that its node is labelled for, or that has found it. */
export interface BackendSet {
  discover(node: RawNode): readonly SiteGpu[]
  /** Why GPUs of a node are left out, a sentence each. */
  refusals(node: RawNode): readonly string[]
  of(gpu: Pick<SiteGpu, 'labels' | 'backend'>): Backend
}

/** @param members at least one; the first is that of a GPU without the label. */
export function backendSet(members: readonly Backend[] = backends): BackendSet {
  return {
    discover: node => members.flatMap(member => member.discover(node)),
    refusals: node => [...unknownBackend(node), ...members.flatMap(member => member.refusals?.(node) ?? [])],
    of: gpu =>
      members.find(({ name }) => name === (gpu.backend ?? gpu.labels?.[backendLabel])) ?? members[0]!,
  }
}

function unknownBackend({ metadata }: RawNode): readonly string[] {
  const label = metadata?.labels?.[backendLabel]
  const names = backends.map(({ name }) => name)
  return label === undefined || names.includes(label)
    ? []
    : [`node ${metadata?.name}: its label ${backendLabel} is "${label}"; accepted: ${names.join(', ')}`]
}
