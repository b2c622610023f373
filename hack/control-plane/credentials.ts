/**
 * Keys and tokens of a throw-away control plane.
 *
 * kube-apiserver makes its own serving certificate (`--cert-dir`); its file also serves as the clients' certificate authority.
 * Clients authenticate by token: one for each component, with the user name that Kubernetes' own RBAC roles expect, and one for
 * the administrator. All of it lives in a folder that only its owner may read, and goes when the control plane stops.
 */
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'

const users = {
  admin: { user: 'ekya-admin', groups: ['system:masters'] },
  'kube-controller-manager': { user: 'system:kube-controller-manager', groups: [] },
  'kube-scheduler': { user: 'system:kube-scheduler', groups: [] },
} as const

export type User = keyof typeof users

export interface Credentials {
  /** For `--cert-dir`; kube-apiserver writes apiserver.crt and apiserver.key there. */
  readonly certificateDirectory: string
  readonly tokenFile: string
  readonly serviceAccountKey: string
  readonly tokens: Readonly<Record<User, string>>
}

export function writeCredentials(directory: string): Credentials {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const tokens = Object.fromEntries(
    Object.keys(users).map(name => [name, randomBytes(24).toString('hex')]),
  ) as Record<User, string>
  const lines = Object.entries(users).map(([name, { user, groups }]) =>
    [tokens[name as User], user, user, groups.length > 0 ? `"${groups.join(',')}"` : ''].join(','),
  )
  const tokenFile = join(directory, 'tokens.csv')
  writeFileSync(tokenFile, `${lines.join('\n')}\n`, { mode: 0o600 })
  const serviceAccountKey = join(directory, 'service-accounts.key')
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  writeFileSync(serviceAccountKey, privateKey.export({ type: 'sec1', format: 'pem' }), { mode: 0o600 })
  return { certificateDirectory: directory, tokenFile, serviceAccountKey, tokens }
}

/** Self-contained: the certificate is inside, so that the file can be copied. */
export function writeKubeconfig(
  path: string,
  server: string,
  certificateAuthority: string,
  token: string,
): void {
  const name = 'ekya'
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': name,
    clusters: [
      {
        name,
        cluster: {
          server,
          'certificate-authority-data': readFileSync(certificateAuthority).toString('base64'),
        },
      },
    ],
    contexts: [{ name, context: { cluster: name, user: name, namespace: 'default' } }],
    users: [{ name, user: { token } }],
  }
  writeFileSync(path, stringify(config), { mode: 0o600 })
}
