import { expect } from 'chai'
import { WorkerFailure } from './failure.ts'
import { bodyLimitBytes, type HttpServer, serveHttp } from './http-server.ts'

describe('serveHttp', () => {
  let server: HttpServer
  const seen: unknown[] = []

  before(async () => {
    server = await serveHttp(
      [
        { method: 'GET', path: '/status', handle: () => ({ body: { fine: true } }) },
        { method: 'POST', path: '/echo', handle: body => ({ body: { body } }) },
        {
          method: 'GET',
          path: '/missing-model',
          handle: () => {
            throw new WorkerFailure('ModelNotFound', 'there is no model file x')
          },
        },
        { method: 'GET', path: '/broken', handle: () => Promise.reject(new TypeError('oops')) },
      ],
      { host: '127.0.0.1', port: 0, onError: error => seen.push(error) },
    )
  })
  after(() => server.close())

  for (const { name, path, init, want, says } of [
    { name: 'a known path', path: '/status', init: {}, want: 200, says: '"fine":true' },
    { name: 'a query', path: '/status?x=1', init: {}, want: 200, says: '"fine":true' },
    { name: 'a HEAD', path: '/status', init: { method: 'HEAD' }, want: 200, says: '' },
    {
      name: 'an unknown path',
      path: '/nowhere',
      init: {},
      want: 404,
      says: 'there are /broken, /echo, /missing-model, /status',
    },
    { name: 'another method', path: '/status', init: { method: 'DELETE' }, want: 405, says: 'accepted: GET' },
    { name: 'a body', path: '/echo', init: { method: 'POST', body: 'äö' }, want: 200, says: 'äö' },
    {
      name: 'a body at the limit',
      path: '/echo',
      init: { method: 'POST', body: 'x'.repeat(bodyLimitBytes) },
      want: 200,
      says: 'xxx',
    },
    {
      name: 'a body beyond it',
      path: '/echo',
      init: { method: 'POST', body: 'x'.repeat(bodyLimitBytes + 1) },
      want: 413,
      says: 'longer than 65536 bytes',
    },
    {
      name: 'an error with a code',
      path: '/missing-model',
      init: {},
      want: 404,
      says: '"code":"ModelNotFound"',
    },
    { name: 'an error without', path: '/broken', init: {}, want: 500, says: '"code":"Internal"' },
  ]) {
    it(`answers ${name} with ${want}`, async () => {
      const response = await fetch(`http://127.0.0.1:${server.port}${path}`, init)
      expect(response.status).to.equal(want)
      expect(await response.text()).to.contain(says)
    })
  }

  it('reports only what it cannot explain', () => {
    expect(seen).to.have.length(1)
  })

  it('refuses an address that is taken', async () => {
    const again = serveHttp([], { host: '127.0.0.1', port: server.port })
    expect(
      await again.then(
        () => null,
        error => error,
      ),
    ).to.have.property('code', 'EADDRINUSE')
  })
})
