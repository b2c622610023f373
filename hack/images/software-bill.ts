/**
 * The packages of an image as a CycloneDX 1.6 document. `npm sbom` knows the whole project only, not the part that an image has; all
 * that the format asks for stands in the lock file.
 */
import type { LockFile } from './packages.ts'

export function softwareBill(lock: LockFile, folders: readonly string[], image: string): object {
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: { component: { type: 'container', name: `ekya-${image}`, 'bom-ref': `ekya-${image}` } },
    components: folders.map(folder => {
      const { version = '', license, integrity } = lock.packages[folder]!
      const name = folder.slice(folder.lastIndexOf('node_modules/') + 'node_modules/'.length)
      const [algorithm, digest] = integrity?.split('-') ?? []
      return {
        type: 'library',
        'bom-ref': folder,
        name,
        version,
        purl: `pkg:npm/${name.replace('@', '%40')}@${version}`,
        ...(license ? { licenses: [{ expression: license }] } : {}),
        ...(algorithm === 'sha512' && digest
          ? { hashes: [{ alg: 'SHA-512', content: Buffer.from(digest, 'base64').toString('hex') }] }
          : {}),
      }
    }),
  }
}
