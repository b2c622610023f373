/** Reading the files that a command is given. */
import { readFile } from 'node:fs/promises'
import { UsageError } from './errors.ts'

/** @throws UsageError naming the command, the file and why it cannot be read. */
export async function readText(command: string, file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new UsageError(`${command}: cannot read ${file}: ${readableReason(error)}`)
  }
}

/** Why a file cannot be read. */
export function readableReason(error: unknown): string {
  switch ((error as NodeJS.ErrnoException).code) {
    case 'ENOENT':
      return 'there is no such file'
    case 'EISDIR':
      return 'it is a folder; name the files in it'
    case 'EACCES':
      return 'no permission'
    default:
      return (error as Error).message
  }
}
