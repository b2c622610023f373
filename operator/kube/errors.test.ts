import { expect } from 'chai'
import { backoffMs } from './backoff.ts'
import { isAlreadyExists, isConflict, isGone, isNotFound, KubeError, statusError } from './errors.ts'
import { isTlsFailure, mayRepeat, parseStatus, requestFailure, retryAfterMs } from './failures.ts'

describe('statusError', () => {
  for (const { status, body, is, code, retryable } of [
    { status: 404, body: { reason: 'NotFound' }, is: isNotFound, code: 'not-found', retryable: false },
    { status: 409, body: { reason: 'Conflict' }, is: isConflict, code: 'conflict', retryable: false },
    {
      status: 409,
      body: { reason: 'AlreadyExists' },
      is: isAlreadyExists,
      code: 'already-exists',
      retryable: false,
    },
    { status: 410, body: { reason: 'Expired' }, is: isGone, code: 'gone', retryable: false },
    { status: 422, body: { reason: 'Invalid' }, code: 'invalid', retryable: false },
    { status: 429, body: undefined, code: 'too-many-requests', retryable: true },
    { status: 503, body: undefined, code: 'server', retryable: true },
    {
      status: 504,
      body: { reason: 'Timeout', details: { causes: [{ reason: 'ResourceVersionTooLarge' }] } },
      code: 'server',
      retryable: true,
    },
  ]) {
    it(`${status} ${body?.reason ?? ''} is ${code}`, () => {
      const error = statusError('GET /x', status, body)
      expect(error).to.include({ code, status, retryable })
      const judgements = [isNotFound, isConflict, isAlreadyExists, isGone]
      expect(judgements.filter(judge => judge(error))).to.deep.equal(is === undefined ? [] : [is])
    })
  }

  it("says which call, which status and the server's words", () => {
    const error = statusError('PATCH /apis/ekya.dev', 422, {
      reason: 'Invalid',
      message: 'spec.frameRate: too high',
    })
    expect(error.message).to.equal('PATCH /apis/ekya.dev: 422 Invalid: spec.frameRate: too high')
  })

  it('takes the wait from the body where no header names one', () => {
    expect(statusError('GET /x', 504, { details: { retryAfterSeconds: 2 } }).retryAfterMs).to.equal(2000)
    expect(statusError('GET /x', 504, { details: { retryAfterSeconds: 2 } }, 500).retryAfterMs).to.equal(500)
  })
})

describe('requestFailure', () => {
  const never = new AbortController().signal
  it('is a timeout when the deadline passed', () => {
    expect(requestFailure('GET /x', new Error('aborted'), never, 50)).to.include({
      code: 'timeout',
      retryable: true,
    })
  })
  it("is the caller's reason when the caller aborted", () => {
    const reason = new Error('shutting down')
    expect(requestFailure('GET /x', new Error('aborted'), AbortSignal.abort(reason))).to.equal(reason)
  })
  it('is a connection error otherwise, with the cause kept', () => {
    const cause = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })
    const error = requestFailure('GET /x', cause, never)
    expect(error).to.include({ code: 'connection', message: 'GET /x: read ECONNRESET', cause })
  })
})

describe('mayRepeat', () => {
  const status = (code: number, after?: number) => statusError('x', code, undefined, after)
  const connection = (code: string) =>
    new KubeError('x', {
      code: 'connection',
      retryable: true,
      cause: Object.assign(new Error(code), { code }),
    })
  for (const { name, error, repeatable, want } of [
    { name: '429 of a create', error: status(429), repeatable: false, want: true },
    { name: '503 with Retry-After of a create', error: status(503, 1000), repeatable: false, want: true },
    { name: '503 of a create', error: status(503), repeatable: false, want: false },
    { name: '500 of a get', error: status(500), repeatable: true, want: true },
    { name: '501 of a get', error: status(501), repeatable: true, want: false },
    { name: '404 of a get', error: status(404), repeatable: true, want: false },
    { name: 'a reset of a get', error: connection('ECONNRESET'), repeatable: true, want: true },
    { name: 'a reset of a create', error: connection('ECONNRESET'), repeatable: false, want: false },
    {
      name: 'a refused connection of a create',
      error: connection('ECONNREFUSED'),
      repeatable: false,
      want: true,
    },
    {
      name: 'a refusal by all addresses of a name',
      error: new KubeError('x', {
        code: 'connection',
        retryable: true,
        cause: new AggregateError([Object.assign(new Error(), { code: 'ECONNREFUSED' })]),
      }),
      repeatable: false,
      want: true,
    },
  ]) {
    it(`${want ? 'repeats' : 'does not repeat'} ${name}`, () =>
      expect(mayRepeat(repeatable, error)).to.equal(want))
  }

  it('recognises refused certificates', () => {
    for (const code of [
      'CERT_HAS_EXPIRED',
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      'ERR_TLS_CERT_ALTNAME_INVALID',
    ]) {
      expect(isTlsFailure(connection(code)), code).to.equal(true)
    }
    expect(isTlsFailure(connection('ECONNRESET'))).to.equal(false)
  })
})

describe('retryAfterMs', () => {
  const now = new Date('2030-01-01T00:00:00Z')
  for (const { header, want } of [
    { header: '3', want: 3000 },
    { header: 'Tue, 01 Jan 2030 00:00:05 GMT', want: 5000 },
    { header: 'Mon, 31 Dec 2029 00:00:00 GMT', want: 0 },
    { header: 'soon', want: undefined },
    { header: undefined, want: undefined },
    { header: ['2', '9'], want: 2000 },
  ]) {
    it(`reads ${header}`, () => expect(retryAfterMs(header, now)).to.equal(want))
  }
})

describe('parseStatus', () => {
  it('keeps the beginning of what is no Status', () => {
    expect(parseStatus('<html>Bad gateway</html>')).to.deep.equal({ message: '<html>Bad gateway</html>' })
    expect(parseStatus('')).to.equal(undefined)
  })
})

describe('backoffMs', () => {
  const options = { initialMs: 100, maximumMs: 1000 }
  for (const { failures, random, want } of [
    { failures: 1, random: 0.5, want: 100 },
    { failures: 3, random: 0.5, want: 400 },
    { failures: 3, random: 0, want: 200 },
    { failures: 9, random: 0.5, want: 1000 },
    { failures: 1e6, random: 0.5, want: 1000 },
  ]) {
    it(`after ${failures} failures with ${random} waits ${want} ms`, () =>
      expect(backoffMs(failures, options, () => random)).to.equal(want))
  }
})
