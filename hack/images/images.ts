/** The images of this project: what each can do, and so what is in it. */

export interface ImageDefinition {
  readonly name: 'operator' | 'worker' | 'node-agent'
  readonly containerfile: string
  /** Folders of ours, tests left out. */
  readonly folders: readonly string[]
  /** Commands in operator/cli/commands whose packages it has; the others tell that a package is missing. */
  readonly commands: readonly string[]
  /** On its PATH beside `ekya`: name → file of ours. */
  readonly programs?: Readonly<Record<string, string>>
  /** Of its processes. */
  readonly nodeOptions?: readonly string[]
  /** MB, uncompressed, with the base that the tests build. */
  readonly mostMegabytes: number
}

/** What images that are written into archives are called by, in place of a registry; the chart takes it as one (`image.registry`). */
export const archivePrefix = 'ekya.dev'

const countsMultiprocessors = { 'ekya-sm-count': 'workers/runtime/sm-count.ts' }

export const images: readonly ImageDefinition[] = [
  {
    name: 'operator',
    containerfile: 'operator/Containerfile',
    folders: ['operator', 'crds'],
    commands: ['operator', 'validate', 'version', 'simulate'],
    // Most of what it makes is short-lived; a large young generation is memory that is never given back.
    nodeOptions: ['--max-semi-space-size=1'],
    mostMegabytes: 250,
  },
  {
    name: 'worker',
    containerfile: 'workers/Containerfile',
    folders: ['operator', 'workers'],
    commands: ['worker', 'train', 'evaluate', 'profile', 'model-build', 'version'],
    programs: countsMultiprocessors,
    mostMegabytes: 350,
  },
  {
    // The worker's runtime to measure the GPU with, and the API server's client, which no worker has.
    name: 'node-agent',
    containerfile: 'workers/Containerfile',
    folders: ['operator', 'workers'],
    commands: ['node-agent', 'version'],
    programs: countsMultiprocessors,
    mostMegabytes: 400,
  },
]

export const entriesOf = ({ commands, programs = {} }: ImageDefinition): string[] => [
  'operator/cli/ekya.ts',
  'operator/cli/program.ts',
  ...Object.values(programs),
  ...commands.map(command => `operator/cli/commands/${command}.ts`),
]

/** The command line names every command and loads it when asked; which ones an image has is said above. */
export const isCommandLine = (file: string): boolean => /^operator\/cli\/[^/]+\.ts$/.test(file)
