import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { UsageError } from '../errors.ts'
import { runEkya } from '../testing/run-ekya.ts'
import { targetOf } from './access.ts'

describe('what a command for a site is about', () => {
  for (const { text, want } of [
    { text: 'cam-0', want: { kind: 'CameraStream', name: 'cam-0' } },
    { text: 'cam/cam-0', want: { kind: 'CameraStream', name: 'cam-0' } },
    { text: 'CameraStream/cam-0', want: { kind: 'CameraStream', name: 'cam-0' } },
    { text: 'rw/main', want: { kind: 'RetrainingWindow', name: 'main' } },
  ])
    it(`is ${want.kind} ${want.name} by ${text}`, () => expect(targetOf(text)).to.deep.equal(want))

  for (const text of ['', 'cam/', '/cam-0', 'pod/cam-0', 'cam/site/cam-0', 'cam/cam-0/', 'Cam-0', 'a b'])
    it(`is nothing by ${JSON.stringify(text)}`, () =>
      expect(() => targetOf(text)).to.throw(UsageError, `${JSON.stringify(text)} names nothing`))
})

describe('a command for a running site', () => {
  it('says where a cluster does not know our kinds', async () => {
    const server = createServer((_request, response) => {
      response.writeHead(404, { 'content-type': 'application/json' })
      response.end(
        JSON.stringify({
          kind: 'Status',
          reason: 'NotFound',
          message: 'the server could not find the requested resource',
          details: {},
          code: 404,
        }),
      )
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const folder = await mkdtemp(join(tmpdir(), 'ekya-access-'))
    const kubeconfig = join(folder, 'config')
    const { port } = server.address() as AddressInfo
    await writeFile(
      kubeconfig,
      JSON.stringify({
        clusters: [
          { name: 'c', cluster: { server: `http://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true } },
        ],
        users: [{ name: 'u', user: {} }],
        contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
        'current-context': 'x',
      }),
    )
    try {
      for (const args of [['status'], ['explain', 'cam-0'], ['pause', 'rw/main']]) {
        const { status, stderr } = await runEkya([...args, '--kubeconfig', kubeconfig])
        expect(status).to.equal(1)
        expect(stderr, args.join(' ')).to.include('does not know the kinds of ekya.dev/v1alpha1; accepted: ')
      }
    } finally {
      server.close()
      await rm(folder, { recursive: true })
    }
  })
})
