/** Python packages whose libraries are taken without Python: their wheels come by pip, for amd64. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '../control-plane/build.ts'

const platforms = ['manylinux_2_28_x86_64', 'manylinux_2_27_x86_64', 'manylinux2014_x86_64']

export interface Wheel {
  readonly name: string
  readonly version: string
  /** More of what pip is asked for, as options. */
  readonly options?: readonly string[]
}

/**
 * Fetches the wheel alone, without what it depends on.
 *
 * @param folder without another wheel
 * @returns its path @throws Error what pip says
 */
export async function fetchWheel({ name, version, options = [] }: Wheel, folder: string): Promise<string> {
  await run('python3', [
    ...['-m', 'pip', 'download', '--quiet', '--no-deps', '--only-binary=:all:', '--dest', folder],
    ...options,
    ...platforms.flatMap(platform => ['--platform', platform]),
    `${name}==${version}`,
  ])
  const wheel = readdirSync(folder).find(file => file.endsWith('.whl'))
  if (wheel === undefined) throw new Error(`pip has fetched no wheel of ${name} ${version}`)
  return join(folder, wheel)
}
