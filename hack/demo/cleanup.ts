/** What has to be undone, in the reverse order of doing it; one failure does not keep the rest from being undone. */

export interface Cleanup {
  /** Registers how to undo something. */
  add(name: string, undo: () => Promise<void> | void): void
  /** Undoes everything once; answers what failed. */
  run(): Promise<readonly string[]>
}

export function createCleanup(): Cleanup {
  const entries: { name: string; undo: () => Promise<void> | void }[] = []
  return {
    add(name, undo) {
      entries.push({ name, undo })
    },
    async run() {
      const failures: string[] = []
      for (let entry = entries.pop(); entry; entry = entries.pop()) {
        try {
          await entry.undo()
        } catch (error) {
          failures.push(`${entry.name}: ${error instanceof Error ? error.message : String(error)}`)
        }
      }
      return failures
    },
  }
}
