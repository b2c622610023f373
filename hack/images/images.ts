/** The images of this project: what each can do, and so what is in it. */

export interface ImageDefinition {
  readonly name: 'operator' | 'worker'
  readonly containerfile: string
  /** Folders of ours, tests left out. */
  readonly folders: readonly string[]
  /** Commands in operator/cli/commands whose packages it has; the others tell that a package is missing. */
  readonly commands: readonly string[]
  /** MB, uncompressed, with the base that the tests build. */
  readonly mostMegabytes: number
}

export const images: readonly ImageDefinition[] = [
  {
    name: 'operator',
    containerfile: 'operator/Containerfile',
    folders: ['operator', 'crds'],
    commands: ['operator', 'validate', 'version', 'simulate'],
    mostMegabytes: 250,
  },
  {
    name: 'worker',
    containerfile: 'workers/Containerfile',
    folders: ['operator', 'workers'],
    commands: ['worker', 'train', 'evaluate', 'profile', 'model-build', 'version'],
    mostMegabytes: 350,
  },
]

export const entriesOf = ({ commands }: ImageDefinition): string[] => [
  'operator/cli/ekya.ts',
  ...commands.map(command => `operator/cli/commands/${command}.ts`),
]

/** The command line names every command and loads it when asked; which ones an image has is said above. */
export const isCommandLine = (file: string): boolean => /^operator\/cli\/[^/]+\.ts$/.test(file)
