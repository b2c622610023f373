/** `ekya version`. */
import { apiVersion } from '../../api/names.ts'
import { packageVersion } from '../../config/version.ts'
import type { Io } from '../program.ts'

export async function version({ json }: { readonly json: boolean }, io: Io): Promise<number> {
  const information = {
    version: packageVersion,
    api: apiVersion,
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
  }
  io.stdout.write(
    json
      ? `${JSON.stringify(information, null, 2)}\n`
      : `ekya ${information.version} (API ${information.api}, Node.js ${information.node}, ${information.platform})\n`,
  )
  return 0
}
