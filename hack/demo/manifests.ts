/**
 * The manifests of hack/demo/*.yaml as the options want them. The files stay the place to read and to edit; only what an
 * option names is changed.
 */
import { parseAllDocuments } from 'yaml'
import type { CameraStreamInput, RetrainingWindowInput } from '../../operator/api/generated/types.ts'
import { describeManifest, validateManifest } from '../../operator/api/validate.ts'
import type { Load } from './load.ts'
import type { DemoOptions } from './options.ts'

export interface DemoManifests {
  readonly cameras: readonly CameraStreamInput[]
  readonly window: RetrainingWindowInput
}

export interface ManifestFiles {
  /** Text of cameras.yaml and retraining-window.yaml. */
  readonly cameras: string
  readonly window: string
}

/** Files of the storage folder, relative to its root, that the manifests refer to. */
export const studentFile = 'initial/student.onnx'
export const goldenFile = 'initial/golden.onnx'

/** Classes of a sample folder in the order of its class numbers. */
export const sampleClasses = ['automobile', 'truck', 'ship', 'bird', 'dog', 'horse'] as const

/** @throws Error naming every field that the API server would refuse. */
export function demoManifests(
  files: ManifestFiles,
  options: DemoOptions,
  namespace: string,
  load: Load,
): DemoManifests {
  const templates = documents(files.cameras).filter(isKind<CameraStreamInput>('CameraStream'))
  const [window] = documents(files.window).filter(isKind<RetrainingWindowInput>('RetrainingWindow'))
  if (templates.length === 0 || !window) {
    throw new Error('hack/demo: cameras.yaml needs a CameraStream, retraining-window.yaml a RetrainingWindow')
  }
  const cameras = Array.from({ length: options.cameras }, (_, index) =>
    camera(templates, index, options, namespace, load.frameRate),
  )
  const manifests = {
    cameras,
    window: {
      ...window,
      metadata: { ...window.metadata, namespace },
      spec: {
        ...window.spec,
        duration: options.window,
        labeling: {
          ...window.spec.labeling,
          ...(options.source.kind === 'samples'
            ? { maxSamples: framesOfWindow(load.frameRate, options.windowSeconds) }
            : {}),
          share: load.labelingShare,
        },
        scheduler: { ...window.spec.scheduler, policy: options.policy as 'thief' },
      },
    },
  }
  const problems = [...cameras, manifests.window].flatMap(manifest =>
    validateManifest(manifest).map(
      ({ path, message }) => `${describeManifest(manifest)}: ${path}: ${message}`,
    ),
  )
  if (problems.length > 0) throw new Error(`hack/demo: refused manifests:\n${problems.join('\n')}`)
  return manifests
}

/** Labels of a list cost nothing, so all of its frames are labelled, within the CRD's bounds. */
const framesOfWindow = (frameRate: number, seconds: number): number =>
  Math.max(20, Math.min(10_000, Math.round(frameRate * seconds)))

/** Above all seeds in the file. */
const cameraSeeds = 60

function camera(
  templates: readonly CameraStreamInput[],
  index: number,
  options: DemoOptions,
  namespace: string,
  frameRate: number,
): CameraStreamInput {
  const template = templates[index % templates.length]!
  const { goldenModel, ...spec } = template.spec
  const common = {
    ...template,
    metadata: { ...template.metadata, name: `cam-${index}`, namespace },
  }
  if (options.source.kind === 'samples') {
    const uri = `file://${options.source.folder}/cam-${index}`
    return {
      ...common,
      spec: { ...spec, frameRate, source: { samples: { uri } }, classes: [...sampleClasses] },
    }
  }
  // The scenes as the file chooses them, moved on by --seed; cameras beyond the file's get scenes of their own.
  const again = cameraSeeds * Math.floor(index / templates.length)
  const scene = {
    ...spec.source.scene,
    seed: (spec.source.scene?.seed ?? 1) + again + (options.seed - 1) * 100,
  }
  return {
    ...common,
    spec: { ...spec, ...(goldenModel && { goldenModel }), frameRate, source: { scene } },
  }
}

function documents(text: string): readonly unknown[] {
  return parseAllDocuments(text).map(document => {
    const [problem] = document.errors
    if (problem) throw new Error(`hack/demo: ${problem.message}`)
    return document.toJS() as unknown
  })
}

const isKind =
  <T extends { readonly kind: string }>(kind: T['kind']) =>
  (document: unknown): document is T =>
    (document as { readonly kind?: unknown } | null)?.kind === kind
